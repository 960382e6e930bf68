"""Every table of this app as it is since 0013, for a new database; see docs/decisions/0014."""

import datetime
from decimal import Decimal

import django.contrib.postgres.indexes
import django.contrib.postgres.search
import django.db.models.deletion
import django.db.models.functions.comparison
from django.conf import settings
from django.db import migrations, models

import exceptions.kinds
import exceptions.models.plain
import exceptions.states
from meshline.at_once import CreateModels

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


class Migration(migrations.Migration):
    replaces = [
        ("exceptions", "0001_initial"),
        ("exceptions", "0002_kinds_are_data"),
        ("exceptions", "0003_what_is_acknowledged_keeps_its_time"),
        ("exceptions", "0004_who_stands_in"),
        ("exceptions", "0005_a_ticket_says_whose_process"),
        ("exceptions", "0006_both_clocks"),
        ("exceptions", "0007_clocks_and_steps"),
        ("exceptions", "0008_the_queue_as_people_like_it"),
        ("exceptions", "0009_merged_tickets"),
        ("exceptions", "0010_acts_and_bulk"),
        ("exceptions", "0011_what_was_learned"),
        ("exceptions", "0012_numbers"),
        ("exceptions", "0013_counted_without_a_look_at_rows"),
    ]

    initial = True

    dependencies = [
        ("people", "0005_single_keys"),
    ]

    operations = [
        CreateModels(
            [
                migrations.CreateModel(
                    name="Ticket",
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
                        ("kind", models.CharField(choices=exceptions.kinds.choices, max_length=40)),
                        ("process", models.CharField(blank=True, max_length=80)),
                        (
                            "severity",
                            models.CharField(
                                choices=[
                                    ("critical", "Critical"),
                                    ("high", "High"),
                                    ("normal", "Normal"),
                                    ("low", "Low"),
                                ],
                                max_length=10,
                            ),
                        ),
                        (
                            "status",
                            models.CharField(
                                choices=[
                                    ("open", "Open"),
                                    ("claimed", "Claimed"),
                                    ("acknowledged", "Acknowledged"),
                                    ("resolved", "Resolved"),
                                ],
                                default=exceptions.states.Status["OPEN"],
                                max_length=12,
                            ),
                        ),
                        ("cause", models.CharField(max_length=300)),
                        ("contract", models.CharField(blank=True, max_length=80)),
                        ("step", models.CharField(blank=True, max_length=80)),
                        ("failure", models.CharField(blank=True, max_length=80)),
                        ("field_name", models.CharField(blank=True, max_length=80)),
                        ("title", models.CharField(max_length=300)),
                        ("reason", models.TextField()),
                        ("record", models.CharField(blank=True, max_length=120)),
                        ("record_title", models.CharField(blank=True, max_length=300)),
                        ("connection", models.CharField(blank=True, max_length=60)),
                        (
                            "amount_at_risk",
                            models.DecimalField(
                                blank=True, decimal_places=4, max_digits=20, null=True
                            ),
                        ),
                        ("currency", models.CharField(blank=True, max_length=3)),
                        ("other_amounts", models.JSONField(blank=True, default=dict)),
                        ("evidence", models.JSONField()),
                        ("remedies", models.JSONField(default=list)),
                        ("occurrences", models.PositiveIntegerField(default=1)),
                        ("last_seen_at", models.DateTimeField()),
                        (
                            "owner",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.PROTECT,
                                related_name="tickets",
                                to=settings.AUTH_USER_MODEL,
                            ),
                        ),
                        ("owner_why", models.CharField(max_length=300)),
                        (
                            "stands_in_for",
                            models.ForeignKey(
                                blank=True,
                                null=True,
                                on_delete=django.db.models.deletion.PROTECT,
                                related_name="+",
                                to=settings.AUTH_USER_MODEL,
                            ),
                        ),
                        (
                            "team",
                            models.ForeignKey(
                                blank=True,
                                null=True,
                                on_delete=django.db.models.deletion.PROTECT,
                                to="people.team",
                            ),
                        ),
                        ("opened_at", models.DateTimeField()),
                        ("ack_due_at", models.DateTimeField()),
                        ("fix_due_at", models.DateTimeField()),
                        ("escalated", models.PositiveSmallIntegerField(default=0)),
                        ("counted_from", models.DateTimeField()),
                        ("ack_counted_from", models.DateTimeField()),
                        ("ack_paused_for", models.DurationField(default=datetime.timedelta)),
                        ("lapsed", models.PositiveSmallIntegerField(default=0)),
                        (
                            "next_due_at",
                            models.GeneratedField(
                                db_persist=True,
                                expression=models.Case(
                                    models.When(
                                        acknowledged_at__isnull=True, then=models.F("ack_due_at")
                                    ),
                                    default=models.F("fix_due_at"),
                                ),
                                output_field=models.DateTimeField(),
                            ),
                        ),
                        (
                            "money_at_risk",
                            models.GeneratedField(
                                db_persist=True,
                                expression=django.db.models.functions.comparison.Coalesce(
                                    "amount_at_risk", models.Value(Decimal("0"))
                                ),
                                output_field=models.DecimalField(decimal_places=4, max_digits=20),
                            ),
                        ),
                        (
                            "name_words",
                            models.GeneratedField(
                                db_persist=True,
                                expression=django.contrib.postgres.search.SearchVector(
                                    exceptions.models.plain.Plain("title"),
                                    exceptions.models.plain.Plain("record_title"),
                                    config="simple",
                                ),
                                output_field=django.contrib.postgres.search.SearchVectorField(),
                            ),
                        ),
                        (
                            "all_words",
                            models.GeneratedField(
                                db_persist=True,
                                expression=django.contrib.postgres.search.SearchVector(
                                    exceptions.models.plain.Plain("title"),
                                    exceptions.models.plain.Plain("record_title"),
                                    exceptions.models.plain.Plain("reason"),
                                    config="simple",
                                ),
                                output_field=django.contrib.postgres.search.SearchVectorField(),
                            ),
                        ),
                        ("paused_for", models.DurationField(default=datetime.timedelta)),
                        ("paused_since", models.DateTimeField(blank=True, null=True)),
                        ("paused_by_rule", models.CharField(blank=True, max_length=40)),
                        ("resumed_at", models.DateTimeField(blank=True, null=True)),
                        ("next_step_at", models.DateTimeField(blank=True, null=True)),
                        ("last_act_at", models.DateTimeField(blank=True, null=True)),
                        ("snoozed_until", models.DateTimeField(blank=True, null=True)),
                        ("snoozed_at", models.DateTimeField(blank=True, null=True)),
                        (
                            "snoozed_by",
                            models.ForeignKey(
                                blank=True,
                                null=True,
                                on_delete=django.db.models.deletion.PROTECT,
                                related_name="+",
                                to=settings.AUTH_USER_MODEL,
                            ),
                        ),
                        ("snooze_reason", models.CharField(blank=True, max_length=300)),
                        ("reopened", models.PositiveSmallIntegerField(default=0)),
                        ("reopened_at", models.DateTimeField(blank=True, null=True)),
                        (
                            "follows",
                            models.ForeignKey(
                                blank=True,
                                null=True,
                                on_delete=django.db.models.deletion.PROTECT,
                                related_name="followed_by",
                                to="exceptions.ticket",
                            ),
                        ),
                        (
                            "merged_into",
                            models.ForeignKey(
                                blank=True,
                                null=True,
                                on_delete=django.db.models.deletion.PROTECT,
                                related_name="taken_in",
                                to="exceptions.ticket",
                            ),
                        ),
                        (
                            "claimed_by",
                            models.ForeignKey(
                                blank=True,
                                null=True,
                                on_delete=django.db.models.deletion.PROTECT,
                                related_name="claimed_tickets",
                                to=settings.AUTH_USER_MODEL,
                            ),
                        ),
                        ("claimed_at", models.DateTimeField(blank=True, null=True)),
                        (
                            "claimed_for",
                            models.ForeignKey(
                                blank=True,
                                null=True,
                                on_delete=django.db.models.deletion.PROTECT,
                                related_name="+",
                                to=settings.AUTH_USER_MODEL,
                            ),
                        ),
                        (
                            "acknowledged_by",
                            models.ForeignKey(
                                blank=True,
                                null=True,
                                on_delete=django.db.models.deletion.PROTECT,
                                related_name="+",
                                to=settings.AUTH_USER_MODEL,
                            ),
                        ),
                        ("acknowledged_at", models.DateTimeField(blank=True, null=True)),
                        ("first_acknowledged_at", models.DateTimeField(blank=True, null=True)),
                        ("acknowledged_within", models.DurationField(blank=True, null=True)),
                        ("resolved_within", models.DurationField(blank=True, null=True)),
                        (
                            "resolved_by",
                            models.ForeignKey(
                                blank=True,
                                null=True,
                                on_delete=django.db.models.deletion.PROTECT,
                                related_name="+",
                                to=settings.AUTH_USER_MODEL,
                            ),
                        ),
                        ("resolved_at", models.DateTimeField(blank=True, null=True)),
                        (
                            "resolution",
                            models.CharField(
                                blank=True,
                                choices=[
                                    ("fixed", "fixed"),
                                    ("workaround", "workaround"),
                                    ("bad source data", "bad source data"),
                                    ("mapping gap", "mapping gap"),
                                    ("vendor outage", "vendor outage"),
                                    ("owner error", "owner error"),
                                    ("duplicate", "duplicate"),
                                    ("no action", "no action"),
                                    ("won't fix", "won't fix"),
                                    ("closed on evidence", "closed on evidence"),
                                ],
                                max_length=30,
                            ),
                        ),
                        ("resolution_note", models.TextField(blank=True)),
                        ("is_unverified", models.BooleanField(default=False)),
                        ("recheck_at", models.DateTimeField(blank=True, null=True)),
                        ("minutes_spent", models.PositiveIntegerField(blank=True, null=True)),
                    ],
                    options={
                        "indexes": [
                            models.Index(
                                condition=models.Q(
                                    ("status", exceptions.states.Status["RESOLVED"]), _negated=True
                                ),
                                fields=["fix_due_at", "id"],
                                name="tickets_due",
                            ),
                            models.Index(
                                condition=models.Q(
                                    ("status", exceptions.states.Status["RESOLVED"]), _negated=True
                                ),
                                fields=["next_due_at", "id"],
                                name="tickets_next_due",
                            ),
                            models.Index(
                                condition=models.Q(
                                    ("status", exceptions.states.Status["RESOLVED"]), _negated=True
                                ),
                                fields=["-money_at_risk", "-id"],
                                name="tickets_at_risk",
                            ),
                            models.Index(
                                condition=models.Q(
                                    ("status", exceptions.states.Status["RESOLVED"]), _negated=True
                                ),
                                fields=["owner", "fix_due_at"],
                                name="tickets_owner",
                            ),
                            models.Index(
                                condition=models.Q(
                                    ("status", exceptions.states.Status["RESOLVED"]), _negated=True
                                ),
                                fields=["claimed_by"],
                                name="tickets_claimer",
                            ),
                            models.Index(
                                condition=models.Q(
                                    ("status", exceptions.states.Status["RESOLVED"]), _negated=True
                                ),
                                fields=["next_step_at"],
                                name="tickets_next_step",
                            ),
                            models.Index(
                                condition=models.Q(
                                    models.Q(
                                        ("status", exceptions.states.Status["RESOLVED"]),
                                        _negated=True,
                                    ),
                                    ("paused_since__isnull", False),
                                ),
                                fields=["paused_since"],
                                name="tickets_paused",
                            ),
                            models.Index(
                                condition=models.Q(("recheck_at__isnull", False)),
                                fields=["recheck_at"],
                                name="tickets_recheck",
                            ),
                            models.Index(fields=["cause", "-id"], name="tickets_cause"),
                            models.Index(
                                condition=models.Q(("snoozed_until__isnull", False)),
                                fields=["snoozed_until"],
                                name="tickets_asleep",
                            ),
                            models.Index(
                                condition=models.Q(
                                    models.Q(
                                        ("status", exceptions.states.Status["RESOLVED"]),
                                        _negated=True,
                                    ),
                                    ("stands_in_for__isnull", False),
                                ),
                                fields=["stands_in_for"],
                                name="tickets_stood_in_for",
                            ),
                            models.Index(
                                condition=models.Q(
                                    models.Q(
                                        ("status", exceptions.states.Status["RESOLVED"]),
                                        _negated=True,
                                    ),
                                    ("claimed_for__isnull", False),
                                ),
                                fields=["claimed_for"],
                                name="tickets_claimed_for",
                            ),
                            models.Index(
                                condition=models.Q(("record", ""), _negated=True),
                                fields=["record", "-id"],
                                name="tickets_record",
                            ),
                            models.Index(fields=["-resolved_at", "-id"], name="tickets_resolved"),
                            models.Index(
                                condition=models.Q(
                                    ("status", exceptions.states.Status["RESOLVED"])
                                ),
                                fields=["kind", "-resolved_at", "-id"],
                                name="tickets_resolved_of_kind",
                            ),
                            models.Index(
                                fields=["kind", "failure", "opened_at"], name="tickets_of_failure"
                            ),
                            models.Index(
                                condition=models.Q(
                                    ("status", exceptions.states.Status["RESOLVED"]), _negated=True
                                ),
                                fields=["id"],
                                name="tickets_open",
                            ),
                            models.Index(
                                condition=models.Q(
                                    ("status", exceptions.states.Status["RESOLVED"]), _negated=True
                                ),
                                fields=["opened_at"],
                                name="tickets_oldest",
                            ),
                            models.Index(
                                condition=models.Q(
                                    ("status", exceptions.states.Status["RESOLVED"]), _negated=True
                                ),
                                fields=["status", "snoozed_until", "fix_due_at"],
                                include=(
                                    "claimed_by",
                                    "ack_due_at",
                                    "acknowledged_at",
                                    "paused_since",
                                    "kind",
                                    "severity",
                                    "owner",
                                    "team",
                                    "reopened",
                                    "opened_at",
                                    "id",
                                ),
                                name="tickets_counted",
                            ),
                            models.Index(
                                fields=["opened_at"],
                                include=("kind", "failure"),
                                name="tickets_opened",
                            ),
                            models.Index(
                                condition=models.Q(("first_acknowledged_at__isnull", False)),
                                fields=["first_acknowledged_at"],
                                include=("kind", "failure", "acknowledged_within"),
                                name="tickets_acknowledged",
                            ),
                            models.Index(
                                condition=models.Q(("connection", ""), _negated=True),
                                fields=["connection"],
                                name="tickets_connection",
                            ),
                            django.contrib.postgres.indexes.GinIndex(
                                fields=["name_words"], name="tickets_name_words"
                            ),
                            django.contrib.postgres.indexes.GinIndex(
                                fields=["all_words"], name="tickets_all_words"
                            ),
                            models.Index(
                                condition=models.Q(("merged_into__isnull", False)),
                                fields=["cause"],
                                name="tickets_merged",
                            ),
                        ],
                        "constraints": [
                            models.UniqueConstraint(
                                condition=models.Q(
                                    ("status", exceptions.states.Status["RESOLVED"]), _negated=True
                                ),
                                fields=("cause",),
                                name="one_unresolved_ticket_per_cause",
                            ),
                            models.CheckConstraint(
                                condition=models.Q(
                                    models.Q(("cause", ""), _negated=True),
                                    models.Q(("reason", ""), _negated=True),
                                    models.Q(("evidence", {}), _negated=True),
                                    ("occurrences__gte", 1),
                                ),
                                name="ticket_has_cause_and_evidence",
                            ),
                            models.CheckConstraint(
                                condition=models.Q(
                                    ("ack_due_at__lte", models.F("fix_due_at")),
                                    ("acknowledged_at__isnull", False),
                                    ("lapsed__gt", 0),
                                    _connector="OR",
                                ),
                                name="ack_due_before_fix_due",
                            ),
                            models.CheckConstraint(
                                condition=models.Q(
                                    models.Q(("claimed_at", None), ("claimed_by", None)),
                                    models.Q(
                                        ("claimed_at__isnull", False), ("claimed_by__isnull", False)
                                    ),
                                    _connector="OR",
                                ),
                                name="claimed_who_and_when",
                            ),
                            models.CheckConstraint(
                                condition=models.Q(
                                    ("stands_in_for", models.F("owner")), _negated=True
                                ),
                                name="ticket_owner_stands_in_for_another",
                            ),
                            models.CheckConstraint(
                                condition=models.Q(
                                    ("claimed_for", None),
                                    models.Q(
                                        ("claimed_by__isnull", False),
                                        models.Q(
                                            ("claimed_for", models.F("claimed_by")), _negated=True
                                        ),
                                    ),
                                    _connector="OR",
                                ),
                                name="ticket_claimed_for_another",
                            ),
                            models.CheckConstraint(
                                condition=models.Q(
                                    models.Q(("acknowledged_at", None), ("acknowledged_by", None)),
                                    models.Q(
                                        ("acknowledged_at__isnull", False),
                                        ("acknowledged_by__isnull", False),
                                    ),
                                    _connector="OR",
                                ),
                                name="acknowledged_who_and_when",
                            ),
                            models.CheckConstraint(
                                condition=models.Q(
                                    models.Q(
                                        (
                                            "status__in",
                                            [
                                                exceptions.states.Status["CLAIMED"],
                                                exceptions.states.Status["ACKNOWLEDGED"],
                                            ],
                                        ),
                                        _negated=True,
                                    ),
                                    ("claimed_by__isnull", False),
                                    _connector="OR",
                                ),
                                name="a_claimed_ticket_has_a_claimer",
                            ),
                            models.CheckConstraint(
                                condition=models.Q(
                                    models.Q(
                                        models.Q(
                                            ("status", exceptions.states.Status["RESOLVED"]),
                                            _negated=True,
                                        ),
                                        ("resolution", ""),
                                        ("resolved_at", None),
                                    ),
                                    models.Q(
                                        ("resolved_at__isnull", False),
                                        ("status", exceptions.states.Status["RESOLVED"]),
                                        models.Q(("resolution", ""), _negated=True),
                                    ),
                                    _connector="OR",
                                ),
                                name="resolved_when_and_how",
                            ),
                            models.CheckConstraint(
                                condition=models.Q(("merged_into", models.F("id")), _negated=True),
                                name="a_ticket_is_no_part_of_itself",
                            ),
                            models.CheckConstraint(
                                condition=models.Q(
                                    ("status", exceptions.states.Status["RESOLVED"]),
                                    ("next_step_at__isnull", False),
                                    _connector="OR",
                                ),
                                name="an_open_ticket_has_a_next_step",
                            ),
                            models.CheckConstraint(
                                condition=models.Q(
                                    models.Q(("paused_by_rule", ""), ("paused_since", None)),
                                    models.Q(
                                        ("paused_since__isnull", False),
                                        models.Q(("paused_by_rule", ""), _negated=True),
                                    ),
                                    _connector="OR",
                                ),
                                name="paused_since_when_and_by_which_rule",
                            ),
                            models.CheckConstraint(
                                condition=models.Q(
                                    models.Q(
                                        ("snooze_reason", ""),
                                        ("snoozed_at", None),
                                        ("snoozed_by", None),
                                        ("snoozed_until", None),
                                    ),
                                    models.Q(
                                        ("snoozed_by__isnull", False),
                                        ("snoozed_until__gt", models.F("snoozed_at")),
                                        models.Q(("snooze_reason", ""), _negated=True),
                                    ),
                                    _connector="OR",
                                ),
                                name="snoozed_by_whom_and_why",
                            ),
                        ],
                    },
                ),
                migrations.CreateModel(
                    name="BulkJob",
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
                        ("act", models.CharField(max_length=20)),
                        ("given", models.JSONField(blank=True, default=dict)),
                        ("words", models.CharField(blank=True, max_length=2000)),
                        (
                            "by",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.PROTECT,
                                related_name="+",
                                to=settings.AUTH_USER_MODEL,
                            ),
                        ),
                        ("at", models.DateTimeField()),
                        (
                            "retries",
                            models.ForeignKey(
                                blank=True,
                                null=True,
                                on_delete=django.db.models.deletion.PROTECT,
                                related_name="retried_by",
                                to="exceptions.bulkjob",
                            ),
                        ),
                        ("started_at", models.DateTimeField(blank=True, null=True)),
                        ("ended_at", models.DateTimeField(blank=True, null=True)),
                        (
                            "cancelled_by",
                            models.ForeignKey(
                                blank=True,
                                null=True,
                                on_delete=django.db.models.deletion.PROTECT,
                                related_name="+",
                                to=settings.AUTH_USER_MODEL,
                            ),
                        ),
                    ],
                    options={
                        "indexes": [
                            models.Index(
                                condition=models.Q(("ended_at", None)),
                                fields=["by"],
                                name="bulk_not_over",
                            )
                        ],
                        "constraints": [
                            models.CheckConstraint(
                                condition=models.Q(
                                    ("cancelled_by", None),
                                    ("ended_at__isnull", False),
                                    _connector="OR",
                                ),
                                name="what_was_cancelled_is_over",
                            )
                        ],
                    },
                ),
                migrations.CreateModel(
                    name="BulkItem",
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
                        (
                            "job",
                            models.ForeignKey(
                                db_index=False,
                                on_delete=django.db.models.deletion.CASCADE,
                                related_name="items",
                                to="exceptions.bulkjob",
                            ),
                        ),
                        (
                            "ticket",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.CASCADE,
                                related_name="+",
                                to="exceptions.ticket",
                            ),
                        ),
                        ("seen", models.CharField(max_length=120)),
                        (
                            "outcome",
                            models.CharField(
                                choices=[
                                    ("planned", "Waits for a yes"),
                                    ("waiting", "Waits its turn"),
                                    ("done", "Done"),
                                    ("failed", "Not done"),
                                    ("left", "Left as it was"),
                                ],
                                max_length=10,
                            ),
                        ),
                        ("why", models.CharField(blank=True, max_length=500)),
                        ("at", models.DateTimeField(blank=True, null=True)),
                    ],
                    options={
                        "indexes": [
                            models.Index(
                                condition=models.Q(("outcome", "waiting")),
                                fields=["job", "id"],
                                name="bulk_waiting",
                            )
                        ],
                        "constraints": [
                            models.UniqueConstraint(
                                fields=("job", "ticket"), name="a_ticket_once_in_a_bulk"
                            ),
                            models.CheckConstraint(
                                condition=models.Q(
                                    models.Q(
                                        ("outcome", "failed"), models.Q(("why", ""), _negated=True)
                                    ),
                                    models.Q(
                                        models.Q(("outcome", "failed"), _negated=True), ("why", "")
                                    ),
                                    _connector="OR",
                                ),
                                name="a_failure_says_why",
                            ),
                        ],
                    },
                ),
                migrations.CreateModel(
                    name="Escalation",
                    fields=[
                        (
                            "id",
                            models.SmallIntegerField(default=1, primary_key=True, serialize=False),
                        ),
                        ("quiet_at", models.PositiveSmallIntegerField(default=50)),
                        ("owner_at", models.PositiveSmallIntegerField(default=80)),
                        ("lead_at", models.PositiveSmallIntegerField(default=100)),
                        ("accountable_at", models.PositiveSmallIntegerField(default=150)),
                        ("secondary_after", models.PositiveIntegerField(default=15)),
                        ("lead_after", models.PositiveIntegerField(default=30)),
                        ("accountable_after", models.PositiveIntegerField(default=240)),
                        ("ack_lapses_after", models.PositiveIntegerField(default=240)),
                        ("again_after", models.PositiveIntegerField(default=480)),
                        ("recheck_after", models.PositiveIntegerField(default=480)),
                        ("reopens_within", models.PositiveSmallIntegerField(default=7)),
                        ("recurs_in_weeks", models.PositiveSmallIntegerField(default=3)),
                        ("recurs_of_weeks", models.PositiveSmallIntegerField(default=4)),
                        ("same_fix_times", models.PositiveSmallIntegerField(default=5)),
                        ("same_fix_within", models.PositiveSmallIntegerField(default=28)),
                        ("version", models.PositiveIntegerField(default=1)),
                    ],
                    options={
                        "constraints": [
                            models.CheckConstraint(
                                condition=models.Q(("id", 1)), name="there_is_one_escalation"
                            ),
                            models.CheckConstraint(
                                condition=models.Q(
                                    ("quiet_at__gt", 0),
                                    ("quiet_at__lt", models.F("owner_at")),
                                    ("owner_at__lt", models.F("lead_at")),
                                    ("lead_at__lt", models.F("accountable_at")),
                                ),
                                name="warnings_go_up",
                            ),
                            models.CheckConstraint(
                                condition=models.Q(
                                    ("secondary_after__gt", 0),
                                    ("secondary_after__lt", models.F("lead_after")),
                                    ("lead_after__lt", models.F("accountable_after")),
                                ),
                                name="escalation_goes_up",
                            ),
                            models.CheckConstraint(
                                condition=models.Q(
                                    ("ack_lapses_after__gt", 0),
                                    ("again_after__gt", 0),
                                    ("recheck_after__gt", 0),
                                    ("reopens_within__gt", 0),
                                ),
                                name="escalation_takes_time",
                            ),
                            models.CheckConstraint(
                                condition=models.Q(
                                    ("recurs_in_weeks__gte", 2),
                                    ("recurs_in_weeks__lte", models.F("recurs_of_weeks")),
                                    ("same_fix_times__gte", 2),
                                    ("same_fix_within__gte", 1),
                                ),
                                name="once_is_no_recurrence",
                            ),
                        ],
                    },
                ),
                migrations.CreateModel(
                    name="TicketLink",
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
                        (
                            "first",
                            models.ForeignKey(
                                db_index=False,
                                on_delete=django.db.models.deletion.CASCADE,
                                related_name="+",
                                to="exceptions.ticket",
                            ),
                        ),
                        (
                            "second",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.CASCADE,
                                related_name="+",
                                to="exceptions.ticket",
                            ),
                        ),
                        (
                            "by",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.PROTECT,
                                related_name="+",
                                to=settings.AUTH_USER_MODEL,
                            ),
                        ),
                        ("at", models.DateTimeField()),
                    ],
                    options={
                        "constraints": [
                            models.UniqueConstraint(
                                fields=("first", "second"), name="two_tickets_are_linked_once"
                            ),
                            models.CheckConstraint(
                                condition=models.Q(("first__lt", models.F("second"))),
                                name="a_link_names_the_older_ticket_first",
                            ),
                        ],
                    },
                ),
                migrations.CreateModel(
                    name="TicketNote",
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
                        (
                            "ticket",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.CASCADE,
                                related_name="notes",
                                to="exceptions.ticket",
                            ),
                        ),
                        (
                            "by",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.PROTECT,
                                to=settings.AUTH_USER_MODEL,
                            ),
                        ),
                        ("at", models.DateTimeField()),
                        ("text", models.TextField(max_length=10000)),
                    ],
                ),
                migrations.CreateModel(
                    name="Occurrence",
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
                        (
                            "ticket",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.CASCADE,
                                related_name="all_occurrences",
                                to="exceptions.ticket",
                            ),
                        ),
                        ("subject", models.CharField(max_length=120)),
                        ("at", models.DateTimeField()),
                        ("times", models.PositiveIntegerField(default=1)),
                        ("evidence", models.JSONField()),
                        ("record", models.CharField(blank=True, max_length=120)),
                        ("record_title", models.CharField(blank=True, max_length=300)),
                        (
                            "amount",
                            models.DecimalField(
                                blank=True, decimal_places=4, max_digits=20, null=True
                            ),
                        ),
                        ("currency", models.CharField(blank=True, max_length=3)),
                        ("settled_at", models.DateTimeField(blank=True, null=True)),
                        ("settled_because", models.CharField(blank=True, max_length=300)),
                    ],
                    options={
                        "indexes": [
                            models.Index(
                                condition=models.Q(("settled_at", None)),
                                fields=["subject"],
                                name="occurrence_open",
                            ),
                            models.Index(fields=["at"], name="occurrence_at"),
                            models.Index(
                                condition=models.Q(("amount__isnull", False), ("settled_at", None)),
                                fields=["record", "-id"],
                                include=("ticket", "amount", "currency"),
                                name="occurrence_at_risk",
                            ),
                            models.Index(
                                condition=models.Q(("record", ""), _negated=True),
                                fields=["record"],
                                name="occurrence_record",
                            ),
                        ],
                        "constraints": [
                            models.UniqueConstraint(
                                fields=("ticket", "subject"), name="one_occurrence_per_subject"
                            )
                        ],
                    },
                ),
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
                    options={
                        "indexes": [
                            models.Index(
                                fields=["kind", "failure", "step", "contract"],
                                name="permanent_fixes_about",
                            )
                        ],
                        "constraints": [
                            models.CheckConstraint(
                                condition=models.Q(
                                    ("cause", ""), ("resolution", ""), _connector="XOR"
                                ),
                                name="a_cause_or_one_fix_by_hand",
                            )
                        ],
                    },
                ),
                migrations.CreateModel(
                    name="Reopening",
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
                        (
                            "ticket",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.CASCADE,
                                related_name="reopenings",
                                to="exceptions.ticket",
                            ),
                        ),
                        ("at", models.DateTimeField()),
                        ("came_back", models.BooleanField()),
                        ("resolution", models.CharField(max_length=30)),
                        (
                            "resolved_by",
                            models.ForeignKey(
                                blank=True,
                                db_index=False,
                                null=True,
                                on_delete=django.db.models.deletion.PROTECT,
                                related_name="+",
                                to=settings.AUTH_USER_MODEL,
                            ),
                        ),
                        ("resolved_at", models.DateTimeField()),
                    ],
                    options={
                        "indexes": [models.Index(fields=["at"], name="reopenings_at")],
                    },
                ),
                migrations.CreateModel(
                    name="Runbook",
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
                    options={
                        "constraints": [
                            models.UniqueConstraint(
                                fields=("kind", "failure", "number"), name="one_runbook_per_number"
                            ),
                            models.UniqueConstraint(
                                condition=models.Q(("is_live", True)),
                                fields=("kind", "failure"),
                                name="one_live_runbook",
                            ),
                            models.CheckConstraint(
                                condition=models.Q(("number__gt", 0)),
                                name="runbooks_count_from_one",
                            ),
                        ],
                    },
                ),
                migrations.CreateModel(
                    name="SavedView",
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
                        (
                            "owner",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.CASCADE,
                                related_name="saved_views",
                                to=settings.AUTH_USER_MODEL,
                            ),
                        ),
                        ("name", models.CharField(max_length=40)),
                        ("words", models.CharField(max_length=2000)),
                        ("is_shared", models.BooleanField(default=False)),
                    ],
                    options={
                        "constraints": [
                            models.UniqueConstraint(
                                fields=("owner", "name"), name="one_view_per_name"
                            )
                        ],
                    },
                ),
                migrations.CreateModel(
                    name="QueueLook",
                    fields=[
                        (
                            "user",
                            models.OneToOneField(
                                on_delete=django.db.models.deletion.CASCADE,
                                primary_key=True,
                                serialize=False,
                                to=settings.AUTH_USER_MODEL,
                            ),
                        ),
                        ("columns", models.JSONField()),
                        ("is_table", models.BooleanField(default=False)),
                        (
                            "begins_with",
                            models.ForeignKey(
                                blank=True,
                                null=True,
                                on_delete=django.db.models.deletion.SET_NULL,
                                related_name="+",
                                to="exceptions.savedview",
                            ),
                        ),
                    ],
                ),
                migrations.CreateModel(
                    name="Step",
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
                        (
                            "ticket",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.CASCADE,
                                related_name="steps",
                                to="exceptions.ticket",
                            ),
                        ),
                        ("round", models.PositiveSmallIntegerField()),
                        ("name", models.CharField(max_length=30)),
                        ("due_at", models.DateTimeField()),
                        ("done_at", models.DateTimeField()),
                        ("is_late", models.BooleanField(default=False)),
                        ("what", models.CharField(max_length=300)),
                    ],
                    options={
                        "constraints": [
                            models.UniqueConstraint(
                                fields=("ticket", "round", "name"), name="each_step_once_in_a_round"
                            ),
                            models.CheckConstraint(
                                condition=models.Q(("done_at__gte", models.F("due_at"))),
                                name="no_step_before_its_time",
                            ),
                        ],
                    },
                ),
            ]
        ),
        migrations.RunSQL(FORWARDS, BACKWARDS),
    ]
