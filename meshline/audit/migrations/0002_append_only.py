"""The trail cannot be changed, and every committed line is a link of one chain.

- Row triggers refuse UPDATE and DELETE, statement triggers TRUNCATE, on lines and links.
- A deferred constraint trigger writes a line's link when its transaction commits: the counter row
  is locked last and only until the commit is through, so verbs neither wait for each other nor
  deadlock over it.
- The trigger runs as the owner of the tables; the application's role needs no right on them
  beyond SELECT, and INSERT on lines.
"""

from django.db import migrations

FORWARDS = """
CREATE FUNCTION audit_refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'The trail is append-only: % on % is refused.', TG_OP, TG_TABLE_NAME
        USING ERRCODE = 'integrity_constraint_violation';
END $$;

CREATE TRIGGER lines_stay BEFORE UPDATE OR DELETE ON audit_trailline
    FOR EACH ROW EXECUTE FUNCTION audit_refuse();
CREATE TRIGGER lines_stay_all BEFORE TRUNCATE ON audit_trailline
    FOR EACH STATEMENT EXECUTE FUNCTION audit_refuse();
CREATE TRIGGER links_stay BEFORE UPDATE OR DELETE ON audit_traillink
    FOR EACH ROW EXECUTE FUNCTION audit_refuse();
CREATE TRIGGER links_stay_all BEFORE TRUNCATE ON audit_traillink
    FOR EACH STATEMENT EXECUTE FUNCTION audit_refuse();
CREATE TRIGGER head_stays BEFORE DELETE ON audit_chainhead
    FOR EACH ROW EXECUTE FUNCTION audit_refuse();
CREATE TRIGGER head_stays_all BEFORE TRUNCATE ON audit_chainhead
    FOR EACH STATEMENT EXECUTE FUNCTION audit_refuse();

CREATE FUNCTION audit_link() RETURNS trigger LANGUAGE plpgsql
    SECURITY DEFINER SET search_path FROM CURRENT AS $$
DECLARE
    head record;
    link_hash bytea;
BEGIN
    -- The row lock on the head puts committing transactions in line.
    INSERT INTO audit_chainhead VALUES (1, 0, decode(repeat('00', 32), 'hex'))
        ON CONFLICT DO NOTHING;
    SELECT position, hash INTO head FROM audit_chainhead WHERE id = 1 FOR UPDATE;
    link_hash := sha256(head.hash || convert_to(jsonb_build_array(
        NEW.id, (extract(epoch from NEW.at) * 1000000)::bigint,
        NEW.actor_kind, NEW.actor_id, NEW.actor_label, NEW.what,
        NEW.subject_kind, NEW.subject_id, NEW.record,
        NEW.before, NEW.after, NEW.why, NEW.cause
    )::text, 'UTF8'));
    INSERT INTO audit_traillink (line_id, position, previous, hash)
        VALUES (NEW.id, head.position + 1, head.hash, link_hash);
    UPDATE audit_chainhead SET position = head.position + 1, hash = link_hash WHERE id = 1;
    RETURN NULL;
END $$;

CREATE CONSTRAINT TRIGGER line_is_linked AFTER INSERT ON audit_trailline
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION audit_link();
"""

BACKWARDS = """
DROP TRIGGER line_is_linked ON audit_trailline;
DROP TRIGGER lines_stay ON audit_trailline;
DROP TRIGGER lines_stay_all ON audit_trailline;
DROP TRIGGER links_stay ON audit_traillink;
DROP TRIGGER links_stay_all ON audit_traillink;
DROP TRIGGER head_stays ON audit_chainhead;
DROP TRIGGER head_stays_all ON audit_chainhead;
DROP FUNCTION audit_link();
DROP FUNCTION audit_refuse();
"""


class Migration(migrations.Migration):
    dependencies = [("audit", "0001_initial")]

    operations = [migrations.RunSQL(FORWARDS, BACKWARDS)]
