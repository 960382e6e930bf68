"""What each connection maps, as versions that never change."""

import django.db.models.deletion
from django.db import migrations, models

FORWARDS = """
CREATE FUNCTION mapping_versions_stay() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'UPDATE' AND to_jsonb(NEW) - 'is_live' = to_jsonb(OLD) - 'is_live' THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION 'A version of a mapping never changes: % is refused.', TG_OP
        USING ERRCODE = 'integrity_constraint_violation';
END $$;

CREATE TRIGGER mapping_versions_stay BEFORE UPDATE OR DELETE ON connectors_mappingversion
    FOR EACH ROW EXECUTE FUNCTION mapping_versions_stay();
"""

BACKWARDS = """
DROP TRIGGER mapping_versions_stay ON connectors_mappingversion;
DROP FUNCTION mapping_versions_stay();
"""


class Migration(migrations.Migration):
    dependencies = [
        ("connectors", "0004_messages_due_by_connection"),
    ]

    operations = [
        migrations.CreateModel(
            name="MappingVersion",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("number", models.PositiveIntegerField()),
                ("content", models.JSONField()),
                ("author", models.CharField(max_length=200)),
                ("approver", models.CharField(max_length=200)),
                ("note", models.CharField(blank=True, max_length=300)),
                ("published_at", models.DateTimeField()),
                ("is_live", models.BooleanField(default=True)),
                ("based_on", models.PositiveIntegerField(default=0)),
                ("restores", models.PositiveIntegerField(blank=True, null=True)),
                (
                    "connection",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="mappings",
                        to="connectors.connection",
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        fields=("connection", "number"), name="one_mapping_per_number"
                    ),
                    models.UniqueConstraint(
                        condition=models.Q(("is_live", True)),
                        fields=("connection",),
                        name="one_live_mapping",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("number__gt", models.F("based_on"))),
                        name="mappings_count_up",
                    ),
                ],
            },
        ),
        migrations.RunSQL(FORWARDS, BACKWARDS),
    ]
