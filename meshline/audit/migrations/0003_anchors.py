"""The last anchor; and from now on a link's hash covers when its line was written, too.

Links say what their hash covers: those written until now keep their hash and say 1. There is no way
back: without the column nobody could tell which is which, and the chain would look broken.
"""

from typing import ClassVar

from django.db import migrations, models

_LINK = """
CREATE OR REPLACE FUNCTION audit_link() RETURNS trigger LANGUAGE plpgsql
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
"""


class Migration(migrations.Migration):
    dependencies: ClassVar = [("audit", "0002_append_only")]

    operations: ClassVar = [
        migrations.AddField(
            model_name="traillink", name="covers", field=models.SmallIntegerField(db_default=1)
        ),
        migrations.RunSQL(_LINK),
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
                    models.CheckConstraint(condition=models.Q(("id", 1)), name="one_last_anchor")
                ]
            },
        ),
    ]
