"""Every table of this app as it is since 0008, for a new database; see docs/decisions/0014."""

import datetime

import django.db.models.deletion
import django.db.models.functions.datetime
from django.conf import settings
from django.db import migrations, models

from meshline.at_once import CreateModels


class Migration(migrations.Migration):
    replaces = [
        ("reconciliation", "0001_checks"),
        ("reconciliation", "0002_runs"),
        ("reconciliation", "0003_fixes"),
        ("reconciliation", "0004_unbilled"),
        ("reconciliation", "0005_canaries"),
        ("reconciliation", "0006_mondays"),
        ("reconciliation", "0007_dashboards"),
        ("reconciliation", "0008_checks_by_hand"),
    ]

    initial = True

    dependencies = [
        ("connectors", "0011_synthetic"),
        ("people", "0005_single_keys"),
        ("proposals", "0017_unbilled_index"),
    ]

    operations = [
        CreateModels(
            [
                migrations.CreateModel(
                    name="Canary",
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
                            "connection",
                            models.OneToOneField(
                                on_delete=django.db.models.deletion.CASCADE,
                                related_name="canary",
                                to="connectors.connection",
                            ),
                        ),
                        ("is_on", models.BooleanField(default=True)),
                        ("fast", models.PositiveSmallIntegerField(default=3)),
                        ("slow", models.PositiveSmallIntegerField(default=15)),
                        (
                            "state",
                            models.CharField(
                                choices=[
                                    ("new", "Not tried yet"),
                                    ("green", "Passes"),
                                    ("red", "Broken"),
                                    ("idle", "Not tried"),
                                ],
                                default="new",
                                max_length=8,
                            ),
                        ),
                        ("since", models.DateTimeField()),
                        (
                            "leg",
                            models.CharField(
                                blank=True,
                                choices=[
                                    ("posted", "Posted"),
                                    ("received", "Received"),
                                    ("translated", "Translated"),
                                    ("routed", "Routed"),
                                    ("carried", "Carried"),
                                    ("proven", "Proven"),
                                    ("cleaned up", "Cleaned up"),
                                ],
                                max_length=12,
                            ),
                        ),
                        ("seen", models.TextField(blank=True)),
                        ("next_at", models.DateTimeField()),
                    ],
                    options={
                        "verbose_name_plural": "canaries",
                        "constraints": [
                            models.CheckConstraint(
                                condition=models.Q(
                                    models.Q(("state", "red"), _negated=True),
                                    models.Q(
                                        models.Q(("leg", ""), _negated=True),
                                        models.Q(("seen", ""), _negated=True),
                                    ),
                                    _connector="OR",
                                ),
                                name="a_red_canary_says_where_and_why",
                            )
                        ],
                    },
                ),
                migrations.CreateModel(
                    name="Probe",
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
                            "canary",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.CASCADE,
                                related_name="probes",
                                to="reconciliation.canary",
                            ),
                        ),
                        ("key", models.CharField(max_length=80, unique=True)),
                        (
                            "state",
                            models.CharField(
                                choices=[
                                    ("running", "Running"),
                                    ("passed", "Passed"),
                                    ("broken", "Broken"),
                                    ("stopped", "Stopped"),
                                ],
                                default="running",
                                max_length=8,
                            ),
                        ),
                        ("begun_at", models.DateTimeField()),
                        ("ended_at", models.DateTimeField(blank=True, null=True)),
                        ("posted_at", models.DateTimeField(blank=True, null=True)),
                        ("received_at", models.DateTimeField(blank=True, null=True)),
                        ("translated_at", models.DateTimeField(blank=True, null=True)),
                        ("routed_at", models.DateTimeField(blank=True, null=True)),
                        ("carried_at", models.DateTimeField(blank=True, null=True)),
                        ("proven_at", models.DateTimeField(blank=True, null=True)),
                        ("cleaned_at", models.DateTimeField(blank=True, null=True)),
                        ("asked_at", models.DateTimeField(blank=True, null=True)),
                        ("status", models.PositiveSmallIntegerField(blank=True, null=True)),
                        ("says", models.TextField(blank=True)),
                        ("message", models.BigIntegerField(blank=True, null=True)),
                        (
                            "leg",
                            models.CharField(
                                blank=True,
                                choices=[
                                    ("posted", "Posted"),
                                    ("received", "Received"),
                                    ("translated", "Translated"),
                                    ("routed", "Routed"),
                                    ("carried", "Carried"),
                                    ("proven", "Proven"),
                                    ("cleaned up", "Cleaned up"),
                                ],
                                max_length=12,
                            ),
                        ),
                        ("seen", models.TextField(blank=True)),
                    ],
                    options={
                        "indexes": [
                            models.Index(fields=["canary", "-id"], name="probes_newest"),
                            models.Index(fields=["begun_at"], name="probes_begun"),
                        ],
                        "constraints": [
                            models.UniqueConstraint(
                                condition=models.Q(("state", "running")),
                                fields=("canary",),
                                name="one_probe_at_a_time",
                            ),
                            models.CheckConstraint(
                                condition=models.Q(
                                    ("state", "running"),
                                    ("ended_at__isnull", False),
                                    _connector="OR",
                                ),
                                name="a_probe_that_ended_says_when",
                            ),
                        ],
                    },
                ),
                migrations.CreateModel(
                    name="CheckResult",
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
                        ("name", models.CharField(max_length=40)),
                        (
                            "state",
                            models.CharField(
                                choices=[
                                    ("ok", "Holds"),
                                    ("warning", "Warning"),
                                    ("error", "Fails"),
                                    ("unknown", "Not known"),
                                ],
                                max_length=8,
                            ),
                        ),
                        ("first_at", models.DateTimeField()),
                        ("last_at", models.DateTimeField()),
                        ("looks", models.PositiveIntegerField(default=1)),
                        ("asked", models.PositiveIntegerField()),
                        ("failing", models.PositiveIntegerField()),
                        ("rows", models.JSONField(default=list)),
                        ("why", models.TextField(blank=True)),
                    ],
                    options={
                        "indexes": [models.Index(fields=["name", "-id"], name="check_results")],
                        "constraints": [
                            models.CheckConstraint(
                                condition=models.Q(
                                    ("last_at__gte", models.F("first_at")), ("looks__gte", 1)
                                ),
                                name="a_check_looked_from_first_to_last",
                            ),
                            models.CheckConstraint(
                                condition=models.Q(
                                    models.Q(("state", "ok"), _negated=True),
                                    ("failing", 0),
                                    _connector="OR",
                                ),
                                name="a_check_that_holds_has_nothing_failing",
                            ),
                        ],
                    },
                ),
                migrations.CreateModel(
                    name="MondayList",
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
                        ("week", models.CharField(max_length=8, unique=True)),
                        ("looked_at", models.DateTimeField()),
                        ("opened_at", models.DateTimeField(blank=True, null=True)),
                        ("reminded_at", models.DateTimeField(blank=True, null=True)),
                        ("signed_at", models.DateTimeField(blank=True, null=True)),
                        (
                            "signed_by",
                            models.ForeignKey(
                                blank=True,
                                null=True,
                                on_delete=django.db.models.deletion.PROTECT,
                                related_name="+",
                                to=settings.AUTH_USER_MODEL,
                            ),
                        ),
                        ("minutes", models.PositiveIntegerField(blank=True, null=True)),
                        ("note", models.TextField(blank=True)),
                    ],
                    options={
                        "constraints": [
                            models.CheckConstraint(
                                condition=models.Q(
                                    models.Q(
                                        ("minutes", None), ("signed_at", None), ("signed_by", None)
                                    ),
                                    models.Q(
                                        ("minutes__range", (1, 600)),
                                        ("signed_at__isnull", False),
                                        ("signed_by__isnull", False),
                                    ),
                                    _connector="OR",
                                ),
                                name="a_signed_monday_says_who_and_how_long",
                            )
                        ],
                    },
                ),
                migrations.CreateModel(
                    name="MondayItem",
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
                            "monday",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.CASCADE,
                                related_name="items",
                                to="reconciliation.mondaylist",
                            ),
                        ),
                        ("name", models.CharField(max_length=40)),
                        ("place", models.PositiveSmallIntegerField()),
                        (
                            "state",
                            models.CharField(
                                choices=[
                                    ("holds", "Holds"),
                                    ("fails", "Does not hold"),
                                    ("unknown", "Could not look"),
                                ],
                                max_length=8,
                            ),
                        ),
                        ("asked", models.PositiveIntegerField()),
                        ("failing", models.PositiveIntegerField()),
                        ("rows", models.JSONField(default=list)),
                        ("why", models.TextField(blank=True)),
                        ("note", models.TextField(blank=True)),
                    ],
                    options={
                        "ordering": ["place"],
                        "constraints": [
                            models.UniqueConstraint(
                                fields=("monday", "name"), name="one_item_per_monday"
                            ),
                            models.CheckConstraint(
                                condition=models.Q(
                                    models.Q(("state", "holds"), _negated=True),
                                    ("failing", 0),
                                    _connector="OR",
                                ),
                                name="an_item_that_holds_fails_for_none",
                            ),
                        ],
                    },
                ),
                migrations.CreateModel(
                    name="Passage",
                    fields=[
                        (
                            "signal",
                            models.OneToOneField(
                                on_delete=django.db.models.deletion.CASCADE,
                                primary_key=True,
                                related_name="passage",
                                serialize=False,
                                to="proposals.signal",
                            ),
                        ),
                        (
                            "proposal",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.CASCADE,
                                related_name="passages",
                                to="proposals.proposal",
                            ),
                        ),
                        (
                            "owner",
                            models.ForeignKey(
                                db_index=False,
                                on_delete=django.db.models.deletion.PROTECT,
                                related_name="+",
                                to=settings.AUTH_USER_MODEL,
                            ),
                        ),
                        (
                            "team",
                            models.ForeignKey(
                                blank=True,
                                db_index=False,
                                null=True,
                                on_delete=django.db.models.deletion.SET_NULL,
                                related_name="+",
                                to="people.team",
                            ),
                        ),
                        ("source", models.CharField(max_length=60)),
                        ("path", models.CharField(max_length=12)),
                        ("tier", models.CharField(max_length=10)),
                        ("is_first", models.BooleanField()),
                        (
                            "verdict",
                            models.CharField(
                                choices=[
                                    ("open", "Under way"),
                                    ("in-time", "Proven in time"),
                                    ("late", "Not proven in time"),
                                    ("off", "Called off"),
                                ],
                                max_length=8,
                            ),
                        ),
                        ("due_at", models.DateTimeField(blank=True, null=True)),
                        ("began_at", models.DateTimeField()),
                        ("ahead", models.DurationField(default=datetime.timedelta)),
                        ("received", models.DurationField()),
                        ("translated", models.DurationField(blank=True, null=True)),
                        ("routed", models.DurationField(blank=True, null=True)),
                        ("carried", models.DurationField(blank=True, null=True)),
                        ("proven", models.DurationField(blank=True, null=True)),
                        ("touched", models.DurationField(blank=True, null=True)),
                        ("whole", models.DurationField(blank=True, null=True)),
                        ("before_owner", models.DurationField()),
                        ("touches", models.PositiveIntegerField(default=0)),
                        ("hand_overs", models.PositiveIntegerField(default=0)),
                    ],
                    options={
                        "indexes": [
                            models.Index(fields=["-began_at", "-signal"], name="passages_began"),
                            models.Index(
                                fields=["team", "-began_at", "-signal"], name="passages_of_team"
                            ),
                            models.Index(
                                condition=models.Q(("due_at__isnull", False)),
                                fields=["due_at"],
                                name="passages_due",
                            ),
                            models.Index(
                                condition=models.Q(("is_first", True), ("whole__isnull", True)),
                                fields=["owner", "began_at"],
                                name="passages_untouched",
                            ),
                        ],
                    },
                ),
                migrations.CreateModel(
                    name="Rollup",
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
                        ("number", models.CharField(max_length=40)),
                        ("cut", models.CharField(max_length=12)),
                        (
                            "grain",
                            models.CharField(
                                choices=[("hour", "Hour"), ("day", "Day")], max_length=4
                            ),
                        ),
                        ("at", models.DateTimeField()),
                        ("team", models.BigIntegerField()),
                        ("key", models.CharField(blank=True, max_length=80)),
                        ("bucket", models.IntegerField()),
                        ("n", models.PositiveIntegerField()),
                        ("total", models.FloatField()),
                    ],
                    options={
                        "indexes": [
                            models.Index(fields=["grain", "at"], name="rollups_of_an_hour")
                        ],
                        "constraints": [
                            models.UniqueConstraint(
                                fields=("number", "cut", "grain", "at", "team", "key", "bucket"),
                                name="one_rollup_per_bucket",
                            )
                        ],
                    },
                ),
                migrations.CreateModel(
                    name="RolledUp",
                    fields=[
                        (
                            "id",
                            models.SmallIntegerField(default=1, primary_key=True, serialize=False),
                        ),
                        ("position", models.BigIntegerField(default=0)),
                        ("at", models.DateTimeField(blank=True, null=True)),
                    ],
                    options={
                        "constraints": [
                            models.CheckConstraint(
                                condition=models.Q(("id", 1)), name="rolled_up_is_one_row"
                            )
                        ],
                    },
                ),
                migrations.CreateModel(
                    name="Objective",
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
                        ("path", models.CharField(max_length=12)),
                        ("number", models.CharField(max_length=40)),
                        ("target", models.FloatField()),
                        ("version", models.PositiveIntegerField(default=1)),
                    ],
                    options={
                        "constraints": [
                            models.UniqueConstraint(
                                fields=("path", "number"), name="one_objective_per_path"
                            ),
                            models.CheckConstraint(
                                condition=models.Q(("target__gt", 0)),
                                name="an_objective_asks_something",
                            ),
                        ],
                    },
                ),
                migrations.CreateModel(
                    name="Baseline",
                    fields=[
                        (
                            "id",
                            models.SmallIntegerField(default=1, primary_key=True, serialize=False),
                        ),
                        ("first_on", models.DateField()),
                        ("last_on", models.DateField()),
                        ("version", models.PositiveIntegerField(default=1)),
                    ],
                    options={
                        "constraints": [
                            models.CheckConstraint(
                                condition=models.Q(("id", 1)), name="there_is_one_baseline"
                            ),
                            models.CheckConstraint(
                                condition=models.Q(("last_on__gte", models.F("first_on"))),
                                name="a_baseline_has_days",
                            ),
                        ],
                    },
                ),
                migrations.CreateModel(
                    name="Run",
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
                            "connection",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.PROTECT,
                                related_name="runs",
                                to="connectors.connection",
                            ),
                        ),
                        ("kind", models.CharField(max_length=40)),
                        (
                            "scope",
                            models.CharField(
                                choices=[
                                    ("recent", "Changed in 30 days and everything open"),
                                    ("all", "Everything"),
                                ],
                                default="recent",
                                max_length=6,
                            ),
                        ),
                        ("day", models.DateField(blank=True, null=True)),
                        ("was_missed", models.BooleanField(default=False)),
                        (
                            "asked_by",
                            models.ForeignKey(
                                blank=True,
                                null=True,
                                on_delete=django.db.models.deletion.PROTECT,
                                related_name="runs_asked",
                                to=settings.AUTH_USER_MODEL,
                            ),
                        ),
                        ("asked_at", models.DateTimeField()),
                        (
                            "state",
                            models.CharField(
                                choices=[
                                    ("queued", "Queued"),
                                    ("reading", "Reading theirs"),
                                    ("comparing", "Comparing"),
                                    ("asks", "Inconclusive, asks"),
                                    ("done", "Done"),
                                    ("inconclusive", "Inconclusive"),
                                    ("cancelled", "Cancelled"),
                                ],
                                default="queued",
                                max_length=12,
                            ),
                        ),
                        ("why", models.TextField(blank=True)),
                        ("sync_id", models.BigIntegerField(blank=True, null=True)),
                        ("snapshot_id", models.BigIntegerField(blank=True, null=True)),
                        ("read_at", models.DateTimeField(blank=True, null=True)),
                        ("there", models.PositiveIntegerField(default=0)),
                        ("place", models.JSONField(blank=True, default=dict)),
                        ("batches", models.PositiveIntegerField(default=0)),
                        ("compared", models.PositiveIntegerField(default=0)),
                        ("known", models.PositiveIntegerField(default=0)),
                        ("gone", models.PositiveIntegerField(default=0)),
                        ("apart", models.PositiveIntegerField(default=0)),
                        ("counts", models.JSONField(blank=True, default=dict)),
                        ("delta", models.JSONField(blank=True, default=dict)),
                        ("started_at", models.DateTimeField(blank=True, null=True)),
                        ("finished_at", models.DateTimeField(blank=True, null=True)),
                        ("ended_by", models.CharField(blank=True, max_length=200)),
                        (
                            "next_step_at",
                            models.DateTimeField(
                                db_default=django.db.models.functions.datetime.Now()
                            ),
                        ),
                        ("crashes", models.PositiveIntegerField(default=0)),
                        ("lease_owner", models.UUIDField(blank=True, null=True)),
                        ("lease_until", models.DateTimeField(blank=True, null=True)),
                    ],
                    options={
                        "indexes": [
                            models.Index(fields=["connection", "kind", "-id"], name="runs_newest"),
                            models.Index(
                                condition=models.Q(
                                    ("state__in", ["queued", "reading", "comparing"])
                                ),
                                fields=["next_step_at"],
                                name="runs_due",
                            ),
                        ],
                        "constraints": [
                            models.UniqueConstraint(
                                fields=("day", "connection", "kind"), name="one_run_a_day"
                            ),
                            models.UniqueConstraint(
                                condition=models.Q(
                                    ("state__in", ["queued", "reading", "comparing"])
                                ),
                                fields=("connection", "kind"),
                                name="one_open_run",
                            ),
                            models.CheckConstraint(
                                condition=models.Q(
                                    ("state__in", ["queued", "reading", "comparing", "asks"]),
                                    ("finished_at__isnull", False),
                                    _connector="OR",
                                ),
                                name="a_run_that_ended_says_when",
                            ),
                        ],
                    },
                ),
                migrations.CreateModel(
                    name="Finding",
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
                            "proposal",
                            models.ForeignKey(
                                blank=True,
                                null=True,
                                on_delete=django.db.models.deletion.CASCADE,
                                related_name="+",
                                to="proposals.proposal",
                            ),
                        ),
                        ("external_id", models.CharField(blank=True, max_length=200)),
                        (
                            "sort",
                            models.CharField(
                                choices=[
                                    ("different", "Different"),
                                    ("stale", "Stale over there"),
                                    ("missing-there", "Missing over there"),
                                    ("missing-here", "Missing here"),
                                    ("duplicate", "Several over there"),
                                ],
                                max_length=14,
                            ),
                        ),
                        ("field", models.CharField(blank=True, max_length=40)),
                        ("ours", models.CharField(blank=True, max_length=500)),
                        ("theirs", models.CharField(blank=True, max_length=500)),
                        ("ours_raw", models.CharField(blank=True, max_length=2000)),
                        ("theirs_raw", models.CharField(blank=True, max_length=2000)),
                        ("at_risk", models.BigIntegerField(blank=True, null=True)),
                        ("currency", models.CharField(blank=True, max_length=20)),
                        ("severity", models.CharField(max_length=10)),
                        ("cause", models.CharField(max_length=120)),
                        (
                            "run",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.CASCADE,
                                related_name="findings",
                                to="reconciliation.run",
                            ),
                        ),
                    ],
                    options={
                        "abstract": False,
                    },
                ),
                migrations.CreateModel(
                    name="Divergence",
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
                            "proposal",
                            models.ForeignKey(
                                blank=True,
                                null=True,
                                on_delete=django.db.models.deletion.CASCADE,
                                related_name="+",
                                to="proposals.proposal",
                            ),
                        ),
                        ("external_id", models.CharField(blank=True, max_length=200)),
                        (
                            "sort",
                            models.CharField(
                                choices=[
                                    ("different", "Different"),
                                    ("stale", "Stale over there"),
                                    ("missing-there", "Missing over there"),
                                    ("missing-here", "Missing here"),
                                    ("duplicate", "Several over there"),
                                ],
                                max_length=14,
                            ),
                        ),
                        ("field", models.CharField(blank=True, max_length=40)),
                        ("ours", models.CharField(blank=True, max_length=500)),
                        ("theirs", models.CharField(blank=True, max_length=500)),
                        ("ours_raw", models.CharField(blank=True, max_length=2000)),
                        ("theirs_raw", models.CharField(blank=True, max_length=2000)),
                        ("at_risk", models.BigIntegerField(blank=True, null=True)),
                        ("currency", models.CharField(blank=True, max_length=20)),
                        ("severity", models.CharField(max_length=10)),
                        ("cause", models.CharField(max_length=120)),
                        (
                            "connection",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.PROTECT,
                                related_name="+",
                                to="connectors.connection",
                            ),
                        ),
                        ("kind", models.CharField(max_length=40)),
                        ("record", models.CharField(max_length=220)),
                        (
                            "first_run",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.PROTECT,
                                related_name="+",
                                to="reconciliation.run",
                            ),
                        ),
                        (
                            "last_run",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.PROTECT,
                                related_name="divergences",
                                to="reconciliation.run",
                            ),
                        ),
                        ("first_at", models.DateTimeField()),
                        ("last_at", models.DateTimeField()),
                        (
                            "state",
                            models.CharField(
                                choices=[
                                    ("open", "Open"),
                                    ("fixing", "Being fixed"),
                                    ("accepted", "Accepted"),
                                    ("gone", "Gone"),
                                ],
                                default="open",
                                max_length=8,
                            ),
                        ),
                        ("why", models.CharField(blank=True, max_length=300)),
                        ("gone_at", models.DateTimeField(blank=True, null=True)),
                        (
                            "accepted_by",
                            models.ForeignKey(
                                blank=True,
                                null=True,
                                on_delete=django.db.models.deletion.PROTECT,
                                related_name="+",
                                to=settings.AUTH_USER_MODEL,
                            ),
                        ),
                        ("accepted_at", models.DateTimeField(blank=True, null=True)),
                        ("accepted_until", models.DateTimeField(blank=True, null=True)),
                        ("accepted_why", models.CharField(blank=True, max_length=300)),
                        (
                            "fixed_by",
                            models.ForeignKey(
                                blank=True,
                                null=True,
                                on_delete=django.db.models.deletion.PROTECT,
                                related_name="+",
                                to=settings.AUTH_USER_MODEL,
                            ),
                        ),
                        ("fixed_at", models.DateTimeField(blank=True, null=True)),
                        (
                            "fixed_to",
                            models.CharField(
                                blank=True,
                                choices=[
                                    ("ours", "Ours is written there"),
                                    ("theirs", "Theirs is taken here"),
                                    ("edited", "Another value is said here"),
                                ],
                                max_length=8,
                            ),
                        ),
                        ("is_asked", models.BooleanField(default=False)),
                        ("stood", models.JSONField(blank=True, default=dict)),
                        (
                            "outcome",
                            models.ForeignKey(
                                blank=True,
                                null=True,
                                on_delete=django.db.models.deletion.SET_NULL,
                                related_name="+",
                                to="proposals.outcome",
                            ),
                        ),
                        ("is_told", models.BooleanField(default=False)),
                    ],
                    options={
                        "indexes": [
                            models.Index(
                                condition=models.Q(("state", "gone"), _negated=True),
                                fields=["-id"],
                                name="divergences_unsettled",
                            ),
                            models.Index(fields=["last_run", "-id"], name="divergences_of_run"),
                            models.Index(fields=["proposal"], name="divergences_proposal"),
                            models.Index(
                                condition=models.Q(
                                    models.Q(("is_told", False), ("state", "open")),
                                    models.Q(
                                        ("is_told", True), ("state__in", ["gone", "accepted"])
                                    ),
                                    _connector="OR",
                                ),
                                fields=["id"],
                                name="divergences_untold",
                            ),
                            models.Index(
                                condition=models.Q(("state", "fixing")),
                                fields=["id"],
                                name="divergences_fixing",
                            ),
                        ],
                        "constraints": [
                            models.UniqueConstraint(
                                condition=models.Q(("state", "gone"), _negated=True),
                                fields=("connection", "kind", "record", "sort", "field"),
                                name="one_divergence_at_a_time",
                            ),
                            models.CheckConstraint(
                                condition=models.Q(
                                    models.Q(("state", "gone"), _negated=True),
                                    ("gone_at__isnull", False),
                                    _connector="OR",
                                ),
                                name="a_divergence_that_is_gone_says_when",
                            ),
                            models.CheckConstraint(
                                condition=models.Q(
                                    models.Q(("state", "accepted"), _negated=True),
                                    models.Q(
                                        ("accepted_by__isnull", False),
                                        ("accepted_until__isnull", False),
                                    ),
                                    _connector="OR",
                                ),
                                name="an_accepted_divergence_says_by_whom_and_until_when",
                            ),
                        ],
                    },
                ),
                migrations.CreateModel(
                    name="Sighting",
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
                            "run",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.CASCADE,
                                related_name="sightings",
                                to="reconciliation.run",
                            ),
                        ),
                        (
                            "divergence",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.CASCADE,
                                related_name="sightings",
                                to="reconciliation.divergence",
                            ),
                        ),
                    ],
                    options={
                        "constraints": [
                            models.UniqueConstraint(
                                fields=("run", "divergence"), name="seen_once_a_run"
                            )
                        ],
                    },
                ),
                migrations.CreateModel(
                    name="Sample",
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
                        ("month", models.DateField(unique=True)),
                        ("drawn_at", models.DateTimeField()),
                        ("due_at", models.DateTimeField()),
                    ],
                ),
                migrations.CreateModel(
                    name="Drawn",
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
                            "sample",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.CASCADE,
                                related_name="drawn",
                                to="reconciliation.sample",
                            ),
                        ),
                        (
                            "proposal",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.PROTECT,
                                related_name="+",
                                to="proposals.proposal",
                            ),
                        ),
                        ("state", models.CharField(max_length=12)),
                        (
                            "verdict",
                            models.CharField(
                                blank=True,
                                choices=[("right", "Right"), ("wrong", "Wrong")],
                                max_length=5,
                            ),
                        ),
                        ("what", models.TextField(blank=True)),
                        (
                            "judged_by",
                            models.ForeignKey(
                                blank=True,
                                null=True,
                                on_delete=django.db.models.deletion.PROTECT,
                                related_name="+",
                                to=settings.AUTH_USER_MODEL,
                            ),
                        ),
                        ("judged_at", models.DateTimeField(blank=True, null=True)),
                    ],
                    options={
                        "verbose_name_plural": "drawn",
                        "constraints": [
                            models.UniqueConstraint(
                                fields=("sample", "proposal"), name="drawn_once_a_month"
                            ),
                            models.CheckConstraint(
                                condition=models.Q(
                                    models.Q(
                                        ("judged_at", None), ("judged_by", None), ("verdict", "")
                                    ),
                                    models.Q(
                                        models.Q(("verdict", ""), _negated=True),
                                        ("judged_at__isnull", False),
                                        ("judged_by__isnull", False),
                                    ),
                                    _connector="OR",
                                ),
                                name="judged_by_somebody_at_some_time",
                            ),
                            models.CheckConstraint(
                                condition=models.Q(
                                    models.Q(("verdict", "wrong"), _negated=True),
                                    models.Q(("what", ""), _negated=True),
                                    _connector="OR",
                                ),
                                name="what_is_wrong_is_said",
                            ),
                        ],
                    },
                ),
                migrations.CreateModel(
                    name="CheckTuning",
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
                        ("name", models.CharField(max_length=40, unique=True)),
                        ("every", models.PositiveIntegerField()),
                        ("grave_from", models.PositiveIntegerField()),
                    ],
                    options={
                        "constraints": [
                            models.CheckConstraint(
                                condition=models.Q(("every__gte", 60), ("grave_from__gte", 1)),
                                name="a_check_looks_now_and_then",
                            )
                        ],
                    },
                ),
                migrations.CreateModel(
                    name="Unbilled",
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
                            "proposal",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.CASCADE,
                                related_name="+",
                                to="proposals.proposal",
                            ),
                        ),
                        ("opened_at", models.DateTimeField()),
                        ("lack", models.CharField(max_length=12)),
                        ("amount", models.DecimalField(decimal_places=4, max_digits=20)),
                        ("currency", models.CharField(blank=True, max_length=3)),
                        ("act", models.CharField(blank=True, max_length=300)),
                        ("act_by", models.CharField(blank=True, max_length=200)),
                        ("act_at", models.DateTimeField(blank=True, null=True)),
                        ("settled_at", models.DateTimeField(blank=True, null=True)),
                        ("settled_by", models.CharField(blank=True, max_length=200)),
                        ("settled_how", models.CharField(blank=True, max_length=300)),
                    ],
                    options={
                        "indexes": [
                            models.Index(fields=["-settled_at", "-id"], name="unbilled_settled")
                        ],
                        "constraints": [
                            models.UniqueConstraint(
                                condition=models.Q(("settled_at", None)),
                                fields=("proposal",),
                                name="one_open_unbilled",
                            ),
                            models.CheckConstraint(
                                condition=models.Q(
                                    ("settled_at", None),
                                    models.Q(("settled_how", ""), _negated=True),
                                    _connector="OR",
                                ),
                                name="what_is_settled_says_how",
                            ),
                        ],
                    },
                ),
            ]
        ),
    ]
