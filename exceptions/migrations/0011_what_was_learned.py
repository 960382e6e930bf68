"""Runbooks as versions that never change, what a permanent fix is about, and what opened again."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

FORWARDS = """
CREATE FUNCTION runbooks_stay() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'UPDATE' AND to_jsonb(NEW) - 'is_live' = to_jsonb(OLD) - 'is_live' THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION 'A version of a runbook never changes: % is refused.', TG_OP
        USING ERRCODE = 'integrity_constraint_violation';
END $$;

CREATE TRIGGER runbooks_stay BEFORE UPDATE OR DELETE ON exceptions_runbook
    FOR EACH ROW EXECUTE FUNCTION runbooks_stay();
"""

BACKWARDS = """
DROP TRIGGER runbooks_stay ON exceptions_runbook;
DROP FUNCTION runbooks_stay();
"""

# Of what opened again before that was kept, the last time is known; the answer before it is not.
_AS_IT_WAS = """
INSERT INTO exceptions_reopening (ticket_id, at, came_back, resolution, resolved_at)
SELECT id, reopened_at, true, '', reopened_at
FROM exceptions_ticket WHERE reopened_at IS NOT NULL
"""


class Migration(migrations.Migration):
    dependencies = [
        ("exceptions", "0010_acts_and_bulk"),
        ("people", "0005_single_keys"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="PermanentFix",
            fields=[
                (
                    "ticket",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="permanent_fix",
                        serialize=False,
                        to="exceptions.ticket",
                    ),
                ),
                ("cause", models.CharField(blank=True, max_length=300)),
                ("kind", models.CharField(max_length=40)),
                ("contract", models.CharField(blank=True, max_length=80)),
                ("step", models.CharField(blank=True, max_length=80)),
                ("failure", models.CharField(blank=True, max_length=80)),
                ("resolution", models.CharField(blank=True, max_length=30)),
            ],
        ),
        migrations.CreateModel(
            name="Reopening",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("at", models.DateTimeField()),
                ("came_back", models.BooleanField()),
                ("resolution", models.CharField(max_length=30)),
                ("resolved_at", models.DateTimeField()),
            ],
        ),
        migrations.CreateModel(
            name="Runbook",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("kind", models.CharField(max_length=40)),
                ("failure", models.CharField(blank=True, max_length=80)),
                ("number", models.PositiveIntegerField()),
                ("text", models.TextField(blank=True, max_length=10000)),
                ("author", models.CharField(max_length=200)),
                ("note", models.CharField(blank=True, max_length=300)),
                ("published_at", models.DateTimeField()),
                ("is_live", models.BooleanField(default=True)),
                ("restores", models.PositiveIntegerField(blank=True, null=True)),
            ],
        ),
        migrations.AddField(
            model_name="escalation",
            name="recurs_in_weeks",
            field=models.PositiveSmallIntegerField(default=3),
        ),
        migrations.AddField(
            model_name="escalation",
            name="recurs_of_weeks",
            field=models.PositiveSmallIntegerField(default=4),
        ),
        migrations.AddField(
            model_name="escalation",
            name="same_fix_times",
            field=models.PositiveSmallIntegerField(default=5),
        ),
        migrations.AddField(
            model_name="escalation",
            name="same_fix_within",
            field=models.PositiveSmallIntegerField(default=28),
        ),
        migrations.AddIndex(
            model_name="occurrence",
            index=models.Index(fields=["at"], name="occurrence_at"),
        ),
        migrations.AddIndex(
            model_name="ticket",
            index=models.Index(
                condition=models.Q(("status", "resolved")),
                fields=["kind", "-resolved_at", "-id"],
                name="tickets_resolved_of_kind",
            ),
        ),
        migrations.AddIndex(
            model_name="ticket",
            index=models.Index(fields=["kind", "failure", "opened_at"], name="tickets_of_failure"),
        ),
        migrations.AddConstraint(
            model_name="escalation",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("recurs_in_weeks__gte", 2),
                    ("recurs_in_weeks__lte", models.F("recurs_of_weeks")),
                    ("same_fix_times__gte", 2),
                    ("same_fix_within__gte", 1),
                ),
                name="once_is_no_recurrence",
            ),
        ),
        migrations.AddIndex(
            model_name="permanentfix",
            index=models.Index(
                fields=["kind", "failure", "step", "contract"], name="permanent_fixes_about"
            ),
        ),
        migrations.AddConstraint(
            model_name="permanentfix",
            constraint=models.CheckConstraint(
                condition=models.Q(("cause", ""), ("resolution", ""), _connector="XOR"),
                name="a_cause_or_one_fix_by_hand",
            ),
        ),
        migrations.AddField(
            model_name="reopening",
            name="resolved_by",
            field=models.ForeignKey(
                blank=True,
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AddField(
            model_name="reopening",
            name="ticket",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE,
                related_name="reopenings",
                to="exceptions.ticket",
            ),
        ),
        migrations.AddConstraint(
            model_name="runbook",
            constraint=models.UniqueConstraint(
                fields=("kind", "failure", "number"), name="one_runbook_per_number"
            ),
        ),
        migrations.AddConstraint(
            model_name="runbook",
            constraint=models.UniqueConstraint(
                condition=models.Q(("is_live", True)),
                fields=("kind", "failure"),
                name="one_live_runbook",
            ),
        ),
        migrations.AddConstraint(
            model_name="runbook",
            constraint=models.CheckConstraint(
                condition=models.Q(("number__gt", 0)), name="runbooks_count_from_one"
            ),
        ),
        migrations.AddIndex(
            model_name="reopening",
            index=models.Index(fields=["at"], name="reopenings_at"),
        ),
        migrations.RunSQL(FORWARDS, BACKWARDS),
        migrations.RunSQL(_AS_IT_WAS, migrations.RunSQL.noop),
    ]
