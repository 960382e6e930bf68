"""Every table of this app as it is since 0003, for a new database; see docs/decisions/0014."""

import uuid

import django.contrib.postgres.indexes
import django.db.models.deletion
import django.db.models.functions.datetime
from django.db import migrations, models

from meshline.at_once import CreateModels

APPEND_ONLY = """
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
"""

LINKED = """
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
        2, (extract(epoch from NEW.written_at) * 1000000)::bigint,
        NEW.id, (extract(epoch from NEW.at) * 1000000)::bigint,
        NEW.actor_kind, NEW.actor_id, NEW.actor_label, NEW.what,
        NEW.subject_kind, NEW.subject_id, NEW.record,
        NEW.before, NEW.after, NEW.why, NEW.cause
    )::text, 'UTF8'));
    INSERT INTO audit_traillink (line_id, position, previous, hash, covers)
        VALUES (NEW.id, head.position + 1, head.hash, link_hash, 2);
    UPDATE audit_chainhead SET position = head.position + 1, hash = link_hash WHERE id = 1;
    RETURN NULL;
END $$;

CREATE CONSTRAINT TRIGGER line_is_linked AFTER INSERT ON audit_trailline
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION audit_link();
"""


class Migration(migrations.Migration):
    replaces = [("audit", "0001_initial"), ("audit", "0002_append_only"), ("audit", "0003_anchors")]

    initial = True

    dependencies = []

    operations = [
        CreateModels(
            [
                migrations.CreateModel(
                    name="TrailLine",
                    fields=[
                        (
                            "id",
                            models.BigAutoField(
                                auto_created=True,
                                primary_key=True,
                                serialize=False,
                                verbose_name="ID",
                            ),
                        ),
                        ("at", models.DateTimeField()),
                        (
                            "written_at",
                            models.DateTimeField(
                                db_default=django.db.models.functions.datetime.Now()
                            ),
                        ),
                        ("actor_kind", models.CharField(max_length=40)),
                        ("actor_id", models.CharField(max_length=80)),
                        ("actor_label", models.CharField(max_length=200)),
                        ("what", models.CharField(max_length=80)),
                        ("subject_kind", models.CharField(max_length=40)),
                        ("subject_id", models.CharField(max_length=80)),
                        ("record", models.CharField(blank=True, max_length=120)),
                        ("before", models.JSONField(default=dict)),
                        ("after", models.JSONField(default=dict)),
                        ("why", models.TextField(blank=True)),
                        ("cause", models.CharField(blank=True, max_length=120)),
                    ],
                    options={
                        "indexes": [
                            models.Index(
                                condition=models.Q(("record", ""), _negated=True),
                                fields=["record", "-id"],
                                name="trail_record",
                            ),
                            models.Index(
                                fields=["subject_kind", "subject_id", "-id"], name="trail_subject"
                            ),
                            models.Index(
                                fields=["actor_kind", "actor_id", "-id"], name="trail_actor"
                            ),
                            models.Index(fields=["what", "-id"], name="trail_what"),
                            django.contrib.postgres.indexes.BrinIndex(
                                autosummarize=True, fields=["at"], name="trail_at"
                            ),
                        ],
                    },
                ),
                migrations.CreateModel(
                    name="TrailLink",
                    fields=[
                        (
                            "line",
                            models.OneToOneField(
                                on_delete=django.db.models.deletion.DO_NOTHING,
                                primary_key=True,
                                related_name="link",
                                serialize=False,
                                to="audit.trailline",
                            ),
                        ),
                        ("position", models.BigIntegerField(unique=True)),
                        ("previous", models.BinaryField()),
                        ("hash", models.BinaryField()),
                        ("covers", models.SmallIntegerField(db_default=1)),
                    ],
                ),
                migrations.CreateModel(
                    name="ChainHead",
                    fields=[
                        ("id", models.SmallIntegerField(primary_key=True, serialize=False)),
                        ("position", models.BigIntegerField()),
                        ("hash", models.BinaryField()),
                    ],
                    options={
                        "constraints": [
                            models.CheckConstraint(
                                condition=models.Q(("id", 1)), name="chain_has_one_head"
                            )
                        ],
                    },
                ),
                migrations.CreateModel(
                    name="LastAnchor",
                    fields=[
                        ("id", models.SmallIntegerField(primary_key=True, serialize=False)),
                        ("number", models.BigIntegerField()),
                        ("at", models.DateTimeField()),
                        ("position", models.BigIntegerField()),
                        ("hash", models.CharField(max_length=64)),
                        ("mac", models.CharField(max_length=64)),
                    ],
                    options={
                        "constraints": [
                            models.CheckConstraint(
                                condition=models.Q(("id", 1)), name="one_last_anchor"
                            )
                        ],
                    },
                ),
                migrations.CreateModel(
                    name="PersonKey",
                    fields=[
                        (
                            "id",
                            models.UUIDField(default=uuid.uuid4, primary_key=True, serialize=False),
                        ),
                        ("person", models.BinaryField(unique=True)),
                        ("key", models.BinaryField()),
                    ],
                ),
            ]
        ),
        migrations.RunSQL(APPEND_ONLY),
        migrations.RunSQL(LINKED),
    ]
