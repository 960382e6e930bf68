"""Every table of this app as it is since 0011, for a new database; see docs/decisions/0014."""

import django.contrib.postgres.indexes
import django.contrib.postgres.search
import django.db.models.deletion
import django.db.models.expressions
import django.db.models.fields.json
import django.db.models.functions.datetime
from django.conf import settings
from django.db import migrations, models

import proposals.tiers
from meshline.at_once import CreateModels

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
    replaces = [
        ("connectors", "0001_initial"),
        ("connectors", "0002_connection_options"),
        ("connectors", "0003_message_words"),
        ("connectors", "0004_messages_due_by_connection"),
        ("connectors", "0005_mappings"),
        ("connectors", "0006_failures_of_messages"),
        ("connectors", "0007_messages_quarantined"),
        ("connectors", "0008_names_for_every_floor"),
        ("connectors", "0009_syncs"),
        ("connectors", "0010_snapshot_rows_by_proposal"),
        ("connectors", "0011_synthetic"),
    ]

    initial = True

    dependencies = [
        ("policy", "0008_names_of_connections"),
        ("proposals", "0001_initial"),
    ]

    operations = [
        CreateModels(
            [
                migrations.CreateModel(
                    name="Connection",
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
                        ("slug", models.SlugField(max_length=60, unique=True)),
                        ("name", models.CharField(max_length=120)),
                        ("system", models.CharField(max_length=40)),
                        ("base_url", models.CharField(blank=True, max_length=300)),
                        ("allow_loopback", models.BooleanField(default=False)),
                        (
                            "tier",
                            models.CharField(
                                choices=[
                                    ("seconds", "Seconds"),
                                    ("minutes", "Minutes"),
                                    ("hours", "Hours"),
                                    ("daily", "Daily"),
                                ],
                                default=proposals.tiers.Tier["MINUTES"],
                                max_length=10,
                            ),
                        ),
                        (
                            "owner",
                            models.ForeignKey(
                                blank=True,
                                null=True,
                                on_delete=django.db.models.deletion.PROTECT,
                                to=settings.AUTH_USER_MODEL,
                            ),
                        ),
                        (
                            "expected_every",
                            models.PositiveIntegerField(blank=True, help_text="minutes", null=True),
                        ),
                        ("options", models.JSONField(blank=True, default=dict)),
                        (
                            "status",
                            models.CharField(
                                choices=[
                                    ("active", "Active"),
                                    ("paused", "Paused"),
                                    ("disabled", "Disabled"),
                                ],
                                default="active",
                                max_length=10,
                            ),
                        ),
                        ("status_why", models.CharField(blank=True, max_length=300)),
                        (
                            "breaker",
                            models.CharField(
                                choices=[("closed", "Closed"), ("open", "Open")],
                                default="closed",
                                max_length=6,
                            ),
                        ),
                        ("breaker_opened_at", models.DateTimeField(blank=True, null=True)),
                        ("next_probe_at", models.DateTimeField(blank=True, null=True)),
                        ("version", models.PositiveIntegerField(default=1)),
                        ("created_at", models.DateTimeField()),
                        ("changed_at", models.DateTimeField()),
                    ],
                ),
                migrations.CreateModel(
                    name="Secret",
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
                                on_delete=django.db.models.deletion.CASCADE,
                                related_name="secrets",
                                to="connectors.connection",
                            ),
                        ),
                        (
                            "purpose",
                            models.CharField(
                                choices=[
                                    ("signing", "Signing secret"),
                                    ("credential", "Credential"),
                                ],
                                max_length=10,
                            ),
                        ),
                        ("sealed", models.BinaryField()),
                        ("created_at", models.DateTimeField()),
                        ("ends_at", models.DateTimeField(blank=True, null=True)),
                    ],
                    options={
                        "indexes": [
                            models.Index(fields=["connection", "purpose"], name="secrets_live")
                        ],
                    },
                ),
                migrations.CreateModel(
                    name="Receipt",
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
                                db_constraint=False,
                                db_index=False,
                                on_delete=django.db.models.deletion.PROTECT,
                                related_name="receipts",
                                to="connectors.connection",
                            ),
                        ),
                        (
                            "received_at",
                            models.DateTimeField(
                                db_default=django.db.models.functions.datetime.Now()
                            ),
                        ),
                        ("body", models.BinaryField()),
                        ("headers", models.JSONField(default=dict)),
                        ("verdict", models.CharField(max_length=200)),
                        ("sender", models.GenericIPAddressField(blank=True, null=True)),
                        (
                            "is_synthetic",
                            models.BooleanField(db_default=False, default=False, editable=False),
                        ),
                    ],
                    options={
                        "indexes": [
                            models.Index(
                                condition=models.Q(("is_synthetic", True)),
                                fields=["connection"],
                                name="receipts_synthetic",
                            )
                        ],
                    },
                ),
                migrations.CreateModel(
                    name="Message",
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
                                db_constraint=False,
                                db_index=False,
                                on_delete=django.db.models.deletion.PROTECT,
                                related_name="messages",
                                to="connectors.connection",
                            ),
                        ),
                        (
                            "receipt",
                            models.ForeignKey(
                                db_constraint=False,
                                on_delete=django.db.models.deletion.PROTECT,
                                related_name="messages",
                                to="connectors.receipt",
                            ),
                        ),
                        ("position", models.PositiveIntegerField(default=0)),
                        ("key", models.CharField(max_length=300)),
                        ("body_hash", models.BinaryField()),
                        ("payload", models.BinaryField()),
                        ("type", models.CharField(blank=True, max_length=120)),
                        (
                            "received_at",
                            models.DateTimeField(
                                db_default=django.db.models.functions.datetime.Now()
                            ),
                        ),
                        (
                            "status",
                            models.CharField(
                                choices=[
                                    ("accepted", "Accepted"),
                                    ("digested", "Digested"),
                                    ("ignored", "Ignored"),
                                    ("superseded", "Superseded"),
                                    ("quarantined", "Quarantined"),
                                ],
                                default="accepted",
                                max_length=12,
                            ),
                        ),
                        ("why", models.TextField(blank=True)),
                        ("duplicates", models.PositiveIntegerField(default=0)),
                        ("last_duplicate_at", models.DateTimeField(blank=True, null=True)),
                        ("attempts", models.PositiveIntegerField(default=0)),
                        ("failures", models.PositiveIntegerField(db_default=0, default=0)),
                        ("crashes", models.PositiveIntegerField(default=0)),
                        (
                            "next_attempt_at",
                            models.DateTimeField(
                                db_default=django.db.models.functions.datetime.Now()
                            ),
                        ),
                        ("lease_owner", models.UUIDField(blank=True, null=True)),
                        ("lease_until", models.DateTimeField(blank=True, null=True)),
                        ("signal_id", models.BigIntegerField(blank=True, null=True)),
                        ("record", models.CharField(blank=True, max_length=120)),
                        ("digested_at", models.DateTimeField(blank=True, null=True)),
                        ("late", models.BooleanField(db_default=False, default=False)),
                        ("occurred_at", models.DateTimeField(blank=True, null=True)),
                        ("found_by", models.BigIntegerField(blank=True, null=True)),
                        (
                            "words",
                            django.contrib.postgres.search.SearchVectorField(
                                editable=False, null=True
                            ),
                        ),
                        (
                            "is_synthetic",
                            models.BooleanField(db_default=False, default=False, editable=False),
                        ),
                    ],
                    options={
                        "indexes": [
                            models.Index(
                                condition=models.Q(("status", "accepted")),
                                fields=["connection", "next_attempt_at", "id"],
                                name="messages_due",
                            ),
                            models.Index(fields=["connection", "-id"], name="messages_newest"),
                            models.Index(
                                condition=models.Q(("record", ""), _negated=True),
                                fields=["record", "-id"],
                                name="messages_record",
                            ),
                            models.Index(
                                condition=models.Q(("status", "quarantined")),
                                fields=["-id"],
                                name="messages_quarantined",
                            ),
                            models.Index(
                                condition=models.Q(("is_synthetic", True)),
                                fields=["connection"],
                                name="messages_synthetic",
                            ),
                            django.contrib.postgres.indexes.GinIndex(
                                condition=models.Q(("words__isnull", False)),
                                fields=["words"],
                                name="messages_words",
                            ),
                            models.Index(
                                condition=models.Q(
                                    ("words__isnull", True),
                                    models.Q(("status", "accepted"), _negated=True),
                                ),
                                fields=["id"],
                                name="messages_wordless",
                            ),
                        ],
                        "constraints": [
                            models.UniqueConstraint(
                                fields=("connection", "key"), name="one_message_per_key"
                            )
                        ],
                    },
                ),
                migrations.CreateModel(
                    name="RejectedReceipt",
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
                                on_delete=django.db.models.deletion.CASCADE,
                                related_name="rejected",
                                to="connectors.connection",
                            ),
                        ),
                        (
                            "at",
                            models.DateTimeField(
                                db_default=django.db.models.functions.datetime.Now()
                            ),
                        ),
                        ("status_code", models.PositiveSmallIntegerField()),
                        ("reason", models.CharField(max_length=300)),
                        ("headers", models.JSONField(default=dict)),
                        ("body", models.BinaryField()),
                        ("sender", models.GenericIPAddressField(blank=True, null=True)),
                    ],
                    options={
                        "indexes": [
                            models.Index(fields=["connection", "-at"], name="rejected_newest")
                        ],
                    },
                ),
                migrations.CreateModel(
                    name="DeliveryAttempt",
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
                            "outcome",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.CASCADE,
                                related_name="tries_made",
                                to="proposals.outcome",
                            ),
                        ),
                        ("connection", models.CharField(blank=True, max_length=60)),
                        ("number", models.PositiveIntegerField()),
                        ("at", models.DateTimeField()),
                        ("seconds", models.FloatField()),
                        ("succeeded", models.BooleanField()),
                        ("calls", models.JSONField(default=list)),
                        ("result", models.TextField()),
                        ("failure", models.CharField(blank=True, max_length=60)),
                    ],
                    options={
                        "indexes": [
                            models.Index(fields=["outcome", "id"], name="attempts_outcome"),
                            models.Index(fields=["connection", "-at"], name="attempts_window"),
                        ],
                    },
                ),
                migrations.CreateModel(
                    name="MappingVersion",
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
                                related_name="mappings",
                                to="connectors.connection",
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
                migrations.CreateModel(
                    name="RecordLink",
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
                                related_name="links",
                                to="connectors.connection",
                            ),
                        ),
                        ("record", models.CharField(max_length=120)),
                        ("kind", models.CharField(max_length=40)),
                        ("external_id", models.CharField(max_length=200)),
                        ("key", models.CharField(blank=True, max_length=400)),
                        ("linked_at", models.DateTimeField()),
                    ],
                    options={
                        "indexes": [models.Index(fields=["record"], name="links_record")],
                        "constraints": [
                            models.UniqueConstraint(
                                fields=("connection", "kind", "external_id"),
                                name="one_record_per_outside_id",
                            )
                        ],
                    },
                ),
                migrations.CreateModel(
                    name="Sync",
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
                                related_name="syncs",
                                to="connectors.connection",
                            ),
                        ),
                        ("kind", models.CharField(max_length=40)),
                        (
                            "mode",
                            models.CharField(
                                choices=[
                                    ("incremental", "What changed"),
                                    ("backfill", "Backfill"),
                                    ("full", "Full snapshot"),
                                ],
                                max_length=12,
                            ),
                        ),
                        (
                            "state",
                            models.CharField(
                                choices=[
                                    ("queued", "Queued"),
                                    ("running", "Running"),
                                    ("done", "Done"),
                                    ("failed", "Failed"),
                                    ("cancelled", "Cancelled"),
                                ],
                                default="queued",
                                max_length=10,
                            ),
                        ),
                        (
                            "asked_by",
                            models.ForeignKey(
                                blank=True,
                                null=True,
                                on_delete=django.db.models.deletion.PROTECT,
                                related_name="syncs_asked",
                                to=settings.AUTH_USER_MODEL,
                            ),
                        ),
                        ("asked_at", models.DateTimeField()),
                        ("since", models.DateTimeField(blank=True, null=True)),
                        ("until", models.DateTimeField()),
                        ("started_at", models.DateTimeField(blank=True, null=True)),
                        ("finished_at", models.DateTimeField(blank=True, null=True)),
                        ("place", models.JSONField(blank=True, default=dict)),
                        ("newest", models.DateTimeField(blank=True, null=True)),
                        ("pages", models.PositiveIntegerField(default=0)),
                        ("records", models.PositiveIntegerField(default=0)),
                        ("brought", models.PositiveIntegerField(default=0)),
                        ("known", models.PositiveIntegerField(default=0)),
                        ("failures", models.PositiveIntegerField(default=0)),
                        ("crashes", models.PositiveIntegerField(default=0)),
                        (
                            "next_attempt_at",
                            models.DateTimeField(
                                db_default=django.db.models.functions.datetime.Now()
                            ),
                        ),
                        ("lease_owner", models.UUIDField(blank=True, null=True)),
                        ("lease_until", models.DateTimeField(blank=True, null=True)),
                        ("error", models.TextField(blank=True)),
                        ("note", models.CharField(blank=True, max_length=300)),
                        ("complete", models.BooleanField(default=False)),
                        ("ended_by", models.CharField(blank=True, max_length=200)),
                    ],
                    options={
                        "indexes": [
                            models.Index(fields=["connection", "-id"], name="syncs_newest"),
                            models.Index(
                                condition=models.Q(("state__in", ["queued", "running"])),
                                fields=["next_attempt_at"],
                                name="syncs_due",
                            ),
                        ],
                        "constraints": [
                            models.UniqueConstraint(
                                condition=models.Q(("state", "running")),
                                fields=("connection", "kind"),
                                name="one_running_sync",
                            ),
                            models.UniqueConstraint(
                                condition=models.Q(("state__in", ["queued", "running"])),
                                fields=("connection", "kind", "mode"),
                                name="one_open_sync_per_mode",
                            ),
                            models.CheckConstraint(
                                condition=models.Q(
                                    models.Q(("complete", True), _negated=True),
                                    ("state", "done"),
                                    _connector="OR",
                                ),
                                name="complete_syncs_are_done",
                            ),
                        ],
                    },
                ),
                migrations.CreateModel(
                    name="SyncCursor",
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
                                on_delete=django.db.models.deletion.CASCADE,
                                related_name="cursors",
                                to="connectors.connection",
                            ),
                        ),
                        ("kind", models.CharField(max_length=40)),
                        ("at", models.DateTimeField()),
                        ("next_at", models.DateTimeField()),
                        ("looked_at", models.DateTimeField(blank=True, null=True)),
                        ("quota", models.CharField(blank=True, max_length=120)),
                        ("seen", models.JSONField(blank=True, default=dict)),
                    ],
                    options={
                        "constraints": [
                            models.UniqueConstraint(
                                fields=("connection", "kind"), name="one_cursor_per_kind"
                            )
                        ],
                    },
                ),
                migrations.CreateModel(
                    name="Snapshot",
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
                                related_name="snapshots",
                                to="connectors.connection",
                            ),
                        ),
                        ("kind", models.CharField(max_length=40)),
                        (
                            "sync",
                            models.OneToOneField(
                                on_delete=django.db.models.deletion.PROTECT,
                                related_name="snapshot",
                                to="connectors.sync",
                            ),
                        ),
                        ("begun_at", models.DateTimeField()),
                        ("complete", models.BooleanField(default=False)),
                    ],
                    options={
                        "indexes": [
                            models.Index(
                                fields=["connection", "kind", "-id"], name="snapshots_newest"
                            )
                        ],
                    },
                ),
                migrations.CreateModel(
                    name="SnapshotRow",
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
                            "snapshot",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.CASCADE,
                                related_name="rows",
                                to="connectors.snapshot",
                            ),
                        ),
                        ("external_id", models.CharField(max_length=200)),
                        ("fields", models.JSONField(default=dict)),
                        ("amount_minor", models.BigIntegerField(blank=True, null=True)),
                        ("currency", models.CharField(blank=True, max_length=3)),
                        ("raw", models.BinaryField()),
                    ],
                    options={
                        "indexes": [
                            models.Index(
                                models.F("snapshot"),
                                models.Func(
                                    django.db.models.fields.json.KeyTextTransform(
                                        "proposal", "fields"
                                    ),
                                    models.Value(":"),
                                    models.Value(1),
                                    function="split_part",
                                ),
                                models.Func(
                                    django.db.models.fields.json.KeyTextTransform(
                                        "proposal", "fields"
                                    ),
                                    django.db.models.expressions.CombinedExpression(
                                        models.Func(
                                            django.db.models.fields.json.KeyTextTransform(
                                                "proposal", "fields"
                                            ),
                                            models.Value(":"),
                                            function="strpos",
                                        ),
                                        "+",
                                        models.Value(1),
                                    ),
                                    function="substr",
                                ),
                                condition=models.Q(("fields__has_key", "proposal")),
                                name="snapshot_rows_by_proposal",
                            )
                        ],
                        "constraints": [
                            models.UniqueConstraint(
                                fields=("snapshot", "external_id"),
                                name="one_snapshot_row_per_record",
                            )
                        ],
                    },
                ),
            ]
        ),
        migrations.RunSQL(FORWARDS, BACKWARDS),
    ]
