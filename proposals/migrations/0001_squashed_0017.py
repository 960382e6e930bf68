"""Every table of this app as it is since 0017, for a new database; see docs/decisions/0014."""

import django.contrib.postgres.indexes
import django.contrib.postgres.search
import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

import proposals.states
import proposals.tiers
from meshline.at_once import CreateModels

FORWARDS = """
CREATE FUNCTION routing_rules_stay() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'UPDATE' AND to_jsonb(NEW) - 'is_live' = to_jsonb(OLD) - 'is_live' THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION 'A version of the routing rules never changes: % is refused.', TG_OP
        USING ERRCODE = 'integrity_constraint_violation';
END $$;

CREATE TRIGGER routing_rules_stay BEFORE UPDATE OR DELETE ON proposals_routingrules
    FOR EACH ROW EXECUTE FUNCTION routing_rules_stay();
"""

BACKWARDS = """
DROP TRIGGER routing_rules_stay ON proposals_routingrules;
DROP FUNCTION routing_rules_stay();
"""


class Migration(migrations.Migration):
    replaces = [
        ("proposals", "0001_initial"),
        ("proposals", "0002_invoices"),
        ("proposals", "0003_signal_stage"),
        ("proposals", "0004_routing_rules"),
        ("proposals", "0005_who_stands_in"),
        ("proposals", "0006_contracts_in_the_browser"),
        ("proposals", "0007_review_gates"),
        ("proposals", "0008_holds"),
        ("proposals", "0009_waits_of_outcomes"),
        ("proposals", "0010_forced_effects"),
        ("proposals", "0011_who_asked_for_an_approval"),
        ("proposals", "0012_signals_of_a_source"),
        ("proposals", "0013_promised_by_hand"),
        ("proposals", "0014_synthetic"),
        ("proposals", "0015_follow_ups"),
        ("proposals", "0016_follow_ups_there_are"),
        ("proposals", "0017_unbilled_index"),
    ]

    initial = True

    dependencies = [
        ("exceptions", "0009_merged_tickets"),
    ]

    operations = [
        CreateModels(
            [
                migrations.CreateModel(
                    name="Contract",
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
                        ("slug", models.SlugField(max_length=60)),
                        ("version", models.PositiveIntegerField()),
                        ("name", models.CharField(max_length=120)),
                        (
                            "trigger",
                            models.CharField(
                                choices=[
                                    ("draft", "Draft"),
                                    ("sent", "Sent"),
                                    ("viewed", "Viewed"),
                                    ("signed", "Signed"),
                                    ("disputed", "Disputed"),
                                    ("expired", "Expired"),
                                    ("invoiced", "Invoiced"),
                                    ("closed-won", "Closed won"),
                                    ("closed-lost", "Closed lost"),
                                ],
                                max_length=12,
                            ),
                        ),
                        ("condition", models.JSONField(blank=True, default=dict)),
                        ("outcomes", models.JSONField(default=list)),
                        (
                            "tier",
                            models.CharField(
                                blank=True,
                                choices=[
                                    ("seconds", "Seconds"),
                                    ("minutes", "Minutes"),
                                    ("hours", "Hours"),
                                    ("daily", "Daily"),
                                ],
                                max_length=10,
                            ),
                        ),
                        ("retry", models.CharField(blank=True, max_length=10)),
                        ("owner", models.CharField(blank=True, max_length=270)),
                        ("ticket", models.CharField(blank=True, max_length=40)),
                        ("severity", models.CharField(blank=True, max_length=10)),
                        ("is_live", models.BooleanField(default=True)),
                        ("is_retired", models.BooleanField(default=False)),
                        (
                            "replaced_by",
                            models.OneToOneField(
                                blank=True,
                                null=True,
                                on_delete=django.db.models.deletion.PROTECT,
                                related_name="replaces",
                                to="proposals.contract",
                            ),
                        ),
                        ("published_at", models.DateTimeField()),
                        ("published_by", models.CharField(max_length=200)),
                        ("author", models.CharField(blank=True, max_length=200)),
                        ("why", models.CharField(blank=True, max_length=300)),
                    ],
                    options={
                        "constraints": [
                            models.UniqueConstraint(
                                fields=("slug", "version"), name="one_contract_per_version"
                            ),
                            models.UniqueConstraint(
                                condition=models.Q(("is_live", True)),
                                fields=("slug",),
                                name="one_live_version_per_contract",
                            ),
                            models.CheckConstraint(
                                condition=models.Q(
                                    models.Q(("is_live", True), _negated=True),
                                    models.Q(("is_retired", False), ("replaced_by", None)),
                                    _connector="OR",
                                ),
                                name="a_live_contract_is_the_last",
                            ),
                        ],
                    },
                ),
                migrations.CreateModel(
                    name="Proposal",
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
                        ("source", models.CharField(max_length=60)),
                        ("external_id", models.CharField(max_length=200)),
                        ("title", models.CharField(blank=True, max_length=300)),
                        (
                            "state",
                            models.CharField(
                                choices=[
                                    ("draft", "Draft"),
                                    ("sent", "Sent"),
                                    ("viewed", "Viewed"),
                                    ("signed", "Signed"),
                                    ("disputed", "Disputed"),
                                    ("expired", "Expired"),
                                    ("invoiced", "Invoiced"),
                                    ("closed-won", "Closed won"),
                                    ("closed-lost", "Closed lost"),
                                ],
                                default=proposals.states.State["DRAFT"],
                                max_length=12,
                            ),
                        ),
                        ("since", models.DateTimeField(blank=True, null=True)),
                        (
                            "amount",
                            models.DecimalField(
                                blank=True, decimal_places=4, max_digits=20, null=True
                            ),
                        ),
                        ("currency", models.CharField(blank=True, max_length=3)),
                        ("contact_name", models.CharField(blank=True, max_length=200)),
                        ("contact_email", models.CharField(blank=True, max_length=254)),
                        (
                            "owner",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.PROTECT,
                                related_name="proposals",
                                to=settings.AUTH_USER_MODEL,
                            ),
                        ),
                        ("owner_why", models.CharField(max_length=300)),
                        ("owner_named", models.CharField(blank=True, max_length=254)),
                        ("owner_is_temporary", models.BooleanField(default=True)),
                        ("owner_basis", models.CharField(blank=True, max_length=32)),
                        ("owner_pinned", models.BooleanField(default=False)),
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
                        ("version", models.PositiveIntegerField(default=0)),
                        ("created_at", models.DateTimeField()),
                        ("changed_at", models.DateTimeField()),
                        ("hold", models.CharField(blank=True, max_length=20)),
                        ("next_follow_up_at", models.DateTimeField(blank=True, null=True)),
                        ("invoice_id", models.CharField(blank=True, max_length=200)),
                        ("invoice_number", models.CharField(blank=True, max_length=100)),
                        ("invoice_status", models.CharField(blank=True, max_length=20)),
                        ("invoice_url", models.CharField(blank=True, max_length=500)),
                        (
                            "invoiced",
                            models.DecimalField(
                                blank=True, decimal_places=4, max_digits=20, null=True
                            ),
                        ),
                        ("invoiced_currency", models.CharField(blank=True, max_length=3)),
                        (
                            "is_synthetic",
                            models.BooleanField(db_default=False, default=False, editable=False),
                        ),
                    ],
                    options={
                        "indexes": [
                            models.Index(fields=["-changed_at", "-id"], name="proposals_changed"),
                            models.Index(fields=["owner", "-changed_at"], name="proposals_owner"),
                            models.Index(fields=["state", "-changed_at"], name="proposals_state"),
                            models.Index(
                                condition=models.Q(("stands_in_for__isnull", False)),
                                fields=["stands_in_for"],
                                name="proposals_stood_in_for",
                            ),
                            models.Index(
                                condition=models.Q(("is_synthetic", True)),
                                fields=["source"],
                                name="proposals_synthetic",
                            ),
                            models.Index(
                                condition=models.Q(
                                    ("state__in", ["draft", "sent", "viewed", "expired"]),
                                    ("invoiced", None),
                                    models.Q(("invoiced", models.F("amount")), _negated=True),
                                    models.Q(
                                        ("invoiced_currency", models.F("currency")), _negated=True
                                    ),
                                    _connector="OR",
                                ),
                                fields=["state", "id"],
                                name="proposals_unbilled",
                            ),
                            django.contrib.postgres.indexes.GinIndex(
                                django.contrib.postgres.search.SearchVector(
                                    "title",
                                    "contact_name",
                                    "contact_email",
                                    "external_id",
                                    config="simple",
                                ),
                                name="proposals_words",
                            ),
                        ],
                        "constraints": [
                            models.UniqueConstraint(
                                fields=("source", "external_id", "is_synthetic"),
                                name="one_proposal_per_document",
                            ),
                            models.CheckConstraint(
                                condition=models.Q(
                                    ("stands_in_for", models.F("owner")), _negated=True
                                ),
                                name="proposal_owner_stands_in_for_another",
                            ),
                        ],
                    },
                ),
                migrations.CreateModel(
                    name="Signal",
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
                        ("origin", models.CharField(max_length=80, unique=True)),
                        ("kind", models.CharField(max_length=60)),
                        ("source", models.CharField(max_length=60)),
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
                        ("external_id", models.CharField(max_length=200)),
                        ("occurred_at", models.DateTimeField()),
                        ("received_at", models.DateTimeField()),
                        ("stage", models.CharField(blank=True, max_length=4)),
                        ("tiebreak", models.CharField(blank=True, max_length=300)),
                        (
                            "target",
                            models.CharField(
                                blank=True,
                                choices=[
                                    ("draft", "Draft"),
                                    ("sent", "Sent"),
                                    ("viewed", "Viewed"),
                                    ("signed", "Signed"),
                                    ("disputed", "Disputed"),
                                    ("expired", "Expired"),
                                    ("invoiced", "Invoiced"),
                                    ("closed-won", "Closed won"),
                                    ("closed-lost", "Closed lost"),
                                ],
                                max_length=12,
                            ),
                        ),
                        ("piece", models.CharField(blank=True, db_default="", max_length=60)),
                        ("fields", models.JSONField(default=dict)),
                        ("forced", models.BooleanField(default=False)),
                        (
                            "result",
                            models.CharField(
                                choices=[
                                    ("applied", "Applied"),
                                    ("noted", "Noted"),
                                    ("superseded", "Superseded"),
                                    ("refused", "Refused"),
                                ],
                                default="noted",
                                max_length=10,
                            ),
                        ),
                        ("why", models.CharField(blank=True, max_length=300)),
                        (
                            "proposal",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.CASCADE,
                                related_name="signals",
                                to="proposals.proposal",
                            ),
                        ),
                        ("under", models.PositiveIntegerField(blank=True, null=True)),
                        (
                            "is_synthetic",
                            models.BooleanField(db_default=False, default=False, editable=False),
                        ),
                    ],
                    options={
                        "indexes": [
                            models.Index(
                                fields=["proposal", "occurred_at"], name="signals_history"
                            ),
                            models.Index(fields=["-occurred_at", "-id"], name="signals_newest"),
                            models.Index(fields=["source", "-id"], name="signals_of_source"),
                        ],
                    },
                ),
                migrations.CreateModel(
                    name="Transition",
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
                                related_name="transitions",
                                to="proposals.proposal",
                            ),
                        ),
                        ("version", models.PositiveIntegerField()),
                        (
                            "signal",
                            models.ForeignKey(
                                blank=True,
                                null=True,
                                on_delete=django.db.models.deletion.PROTECT,
                                to="proposals.signal",
                            ),
                        ),
                        ("from_state", models.CharField(blank=True, max_length=12)),
                        (
                            "to_state",
                            models.CharField(
                                choices=[
                                    ("draft", "Draft"),
                                    ("sent", "Sent"),
                                    ("viewed", "Viewed"),
                                    ("signed", "Signed"),
                                    ("disputed", "Disputed"),
                                    ("expired", "Expired"),
                                    ("invoiced", "Invoiced"),
                                    ("closed-won", "Closed won"),
                                    ("closed-lost", "Closed lost"),
                                ],
                                max_length=12,
                            ),
                        ),
                        ("by_kind", models.CharField(max_length=40)),
                        ("by_id", models.CharField(max_length=80)),
                        ("by_label", models.CharField(max_length=200)),
                        ("at", models.DateTimeField()),
                        ("occurred_at", models.DateTimeField()),
                        ("why", models.TextField()),
                    ],
                    options={
                        "constraints": [
                            models.UniqueConstraint(
                                fields=("proposal", "version"), name="one_transition_per_version"
                            )
                        ],
                    },
                ),
                migrations.CreateModel(
                    name="Outcome",
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
                                related_name="outcomes",
                                to="proposals.proposal",
                            ),
                        ),
                        (
                            "contract",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.PROTECT, to="proposals.contract"
                            ),
                        ),
                        ("name", models.CharField(max_length=60)),
                        ("kind", models.CharField(max_length=40)),
                        ("target", models.CharField(max_length=20)),
                        ("connection", models.CharField(blank=True, max_length=60)),
                        (
                            "signal",
                            models.ForeignKey(
                                null=True,
                                on_delete=django.db.models.deletion.PROTECT,
                                related_name="outcomes",
                                to="proposals.signal",
                            ),
                        ),
                        ("key", models.CharField(max_length=400, unique=True)),
                        ("digest", models.CharField(blank=True, max_length=64)),
                        ("params", models.JSONField(default=dict)),
                        (
                            "undo_of",
                            models.OneToOneField(
                                blank=True,
                                null=True,
                                on_delete=django.db.models.deletion.PROTECT,
                                related_name="undone_by",
                                to="proposals.outcome",
                            ),
                        ),
                        ("undo", models.CharField(blank=True, max_length=40)),
                        (
                            "tier",
                            models.CharField(
                                choices=[
                                    ("seconds", "Seconds"),
                                    ("minutes", "Minutes"),
                                    ("hours", "Hours"),
                                    ("daily", "Daily"),
                                ],
                                max_length=10,
                            ),
                        ),
                        ("tier_rank", models.PositiveSmallIntegerField()),
                        (
                            "state",
                            models.CharField(
                                choices=[
                                    ("due", "Due"),
                                    ("leased", "Being carried"),
                                    ("held", "Held"),
                                    ("delivered", "Delivered, not yet proven"),
                                    ("proven", "Proven"),
                                    ("given_up", "Given up"),
                                    ("cancelled", "Cancelled"),
                                ],
                                default="due",
                                max_length=10,
                            ),
                        ),
                        ("promised_at", models.DateTimeField()),
                        ("budget_ends_at", models.DateTimeField()),
                        ("next_attempt_at", models.DateTimeField()),
                        ("attempts", models.PositiveIntegerField(default=0)),
                        ("tries", models.PositiveIntegerField(default=0)),
                        ("waits", models.PositiveIntegerField(db_default=0, default=0)),
                        ("crashes", models.PositiveIntegerField(default=0)),
                        ("lease_owner", models.UUIDField(blank=True, null=True)),
                        ("lease_until", models.DateTimeField(blank=True, null=True)),
                        ("first_tried_at", models.DateTimeField(blank=True, null=True)),
                        ("first_failed_at", models.DateTimeField(blank=True, null=True)),
                        ("delivered_at", models.DateTimeField(blank=True, null=True)),
                        ("proven_at", models.DateTimeField(blank=True, null=True)),
                        ("external_id", models.CharField(blank=True, max_length=200)),
                        ("last_error", models.TextField(blank=True)),
                        ("failure", models.CharField(blank=True, max_length=60)),
                        ("ticketed_at", models.DateTimeField(blank=True, null=True)),
                        (
                            "promised_by",
                            models.ForeignKey(
                                blank=True,
                                null=True,
                                on_delete=django.db.models.deletion.PROTECT,
                                related_name="+",
                                to=settings.AUTH_USER_MODEL,
                            ),
                        ),
                        ("on_hold", models.BooleanField(default=False)),
                        ("unwanted_at", models.DateTimeField(blank=True, null=True)),
                        ("unwanted_why", models.CharField(blank=True, max_length=300)),
                        (
                            "is_synthetic",
                            models.BooleanField(db_default=False, default=False, editable=False),
                        ),
                    ],
                    options={
                        "indexes": [
                            models.Index(
                                condition=models.Q(("state__in", ["due", "leased", "delivered"])),
                                fields=["tier_rank", "next_attempt_at", "id"],
                                name="outcomes_due",
                            ),
                            models.Index(
                                condition=models.Q(("state__in", ["due", "leased", "held"])),
                                fields=["proposal", "connection", "id"],
                                name="outcomes_serial",
                            ),
                            models.Index(
                                condition=models.Q(
                                    ("state__in", ["due", "leased", "held", "delivered"]),
                                    ("ticketed_at", None),
                                ),
                                fields=["budget_ends_at"],
                                name="outcomes_late",
                            ),
                            models.Index(fields=["-promised_at", "-id"], name="outcomes_newest"),
                        ],
                        "constraints": [
                            models.CheckConstraint(
                                condition=models.Q(
                                    models.Q(("state", "leased"), _negated=True),
                                    models.Q(
                                        ("lease_owner__isnull", False),
                                        ("lease_until__isnull", False),
                                    ),
                                    _connector="OR",
                                ),
                                name="a_leased_outcome_has_a_lease",
                            ),
                            models.CheckConstraint(
                                condition=models.Q(
                                    models.Q(("state", "proven"), _negated=True),
                                    ("proven_at__isnull", False),
                                    _connector="OR",
                                ),
                                name="a_proven_outcome_says_when",
                            ),
                        ],
                    },
                ),
                migrations.CreateModel(
                    name="Approval",
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
                            models.OneToOneField(
                                on_delete=django.db.models.deletion.CASCADE,
                                related_name="approval",
                                to="proposals.outcome",
                            ),
                        ),
                        ("who", models.CharField(max_length=270)),
                        (
                            "caused_by",
                            models.ForeignKey(
                                blank=True,
                                null=True,
                                on_delete=django.db.models.deletion.PROTECT,
                                related_name="+",
                                to=settings.AUTH_USER_MODEL,
                            ),
                        ),
                        (
                            "asked_by",
                            models.ForeignKey(
                                blank=True,
                                null=True,
                                on_delete=django.db.models.deletion.PROTECT,
                                related_name="+",
                                to=settings.AUTH_USER_MODEL,
                            ),
                        ),
                        ("asked_at", models.DateTimeField()),
                        ("due_at", models.DateTimeField()),
                        ("ticketed_at", models.DateTimeField(blank=True, null=True)),
                        ("is_approved", models.BooleanField(blank=True, null=True)),
                        (
                            "decided_by",
                            models.ForeignKey(
                                blank=True,
                                null=True,
                                on_delete=django.db.models.deletion.PROTECT,
                                related_name="+",
                                to=settings.AUTH_USER_MODEL,
                            ),
                        ),
                        ("decided_at", models.DateTimeField(blank=True, null=True)),
                        ("comment", models.CharField(blank=True, max_length=1000)),
                    ],
                    options={
                        "indexes": [
                            models.Index(
                                condition=models.Q(("decided_at", None)),
                                fields=["due_at", "id"],
                                name="approvals_waiting",
                            )
                        ],
                        "constraints": [
                            models.CheckConstraint(
                                condition=models.Q(
                                    models.Q(
                                        ("decided_at", None),
                                        ("decided_by", None),
                                        ("is_approved", None),
                                    ),
                                    models.Q(
                                        ("decided_at__isnull", False),
                                        ("decided_by__isnull", False),
                                        ("is_approved__isnull", False),
                                    ),
                                    _connector="OR",
                                ),
                                name="decided_how_when_and_by_whom",
                            )
                        ],
                    },
                ),
                migrations.CreateModel(
                    name="FollowUp",
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
                                related_name="follow_ups",
                                to="proposals.proposal",
                            ),
                        ),
                        ("kind", models.CharField(max_length=60)),
                        (
                            "contract",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.PROTECT,
                                related_name="+",
                                to="proposals.contract",
                            ),
                        ),
                        (
                            "signal",
                            models.ForeignKey(
                                null=True,
                                on_delete=django.db.models.deletion.PROTECT,
                                related_name="+",
                                to="proposals.signal",
                            ),
                        ),
                        (
                            "outcome",
                            models.ForeignKey(
                                blank=True,
                                null=True,
                                on_delete=django.db.models.deletion.PROTECT,
                                related_name="follow_ups",
                                to="proposals.outcome",
                            ),
                        ),
                        (
                            "owner",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.PROTECT,
                                related_name="follow_ups",
                                to=settings.AUTH_USER_MODEL,
                            ),
                        ),
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
                        ("since", models.DateTimeField()),
                        ("within", models.PositiveIntegerField()),
                        ("due_at", models.DateTimeField()),
                        ("scheduled_at", models.DateTimeField()),
                        ("moved_at", models.DateTimeField(blank=True, null=True)),
                        (
                            "moved_by",
                            models.ForeignKey(
                                blank=True,
                                null=True,
                                on_delete=django.db.models.deletion.PROTECT,
                                related_name="+",
                                to=settings.AUTH_USER_MODEL,
                            ),
                        ),
                        ("moved_why", models.CharField(blank=True, max_length=300)),
                        (
                            "state",
                            models.CharField(
                                choices=[
                                    ("open", "Open"),
                                    ("completed", "Completed"),
                                    ("cancelled", "Cancelled"),
                                ],
                                default="open",
                                max_length=10,
                            ),
                        ),
                        ("ended_at", models.DateTimeField(blank=True, null=True)),
                        (
                            "ended_by",
                            models.ForeignKey(
                                blank=True,
                                null=True,
                                on_delete=django.db.models.deletion.PROTECT,
                                related_name="+",
                                to=settings.AUTH_USER_MODEL,
                            ),
                        ),
                        ("ended_by_label", models.CharField(blank=True, max_length=200)),
                        (
                            "how",
                            models.CharField(
                                blank=True,
                                choices=[
                                    ("here", "Here"),
                                    ("crm", "In the CRM"),
                                    ("superfluous", "No longer needed"),
                                ],
                                max_length=12,
                            ),
                        ),
                        ("note", models.CharField(blank=True, max_length=1000)),
                        ("first_touch_at", models.DateTimeField(blank=True, null=True)),
                        (
                            "first_touch",
                            models.CharField(
                                blank=True,
                                choices=[
                                    ("call", "Call"),
                                    ("email", "E-mail"),
                                    ("meeting", "Meeting"),
                                    ("note", "Note"),
                                ],
                                max_length=8,
                            ),
                        ),
                        ("version", models.PositiveIntegerField(default=1)),
                    ],
                    options={
                        "indexes": [
                            models.Index(
                                condition=models.Q(("state", "open")),
                                fields=["owner", "due_at", "id"],
                                name="follow_ups_of_owner",
                            ),
                            models.Index(
                                condition=models.Q(("state", "open")),
                                fields=["due_at", "id"],
                                name="follow_ups_due",
                            ),
                            models.Index(fields=["due_at", "id"], name="follow_ups_by_time"),
                        ],
                        "constraints": [
                            models.UniqueConstraint(
                                condition=models.Q(("state", "open")),
                                fields=("proposal", "kind"),
                                name="one_open_follow_up_of_a_kind",
                            ),
                            models.CheckConstraint(
                                condition=models.Q(
                                    models.Q(
                                        ("ended_at", None),
                                        ("ended_by_label", ""),
                                        ("how", ""),
                                        ("state", "open"),
                                    ),
                                    models.Q(
                                        ("ended_at__isnull", False),
                                        ("how__in", ["here", "crm"]),
                                        ("state", "completed"),
                                        models.Q(("ended_by_label", ""), _negated=True),
                                    ),
                                    models.Q(
                                        ("ended_at__isnull", False),
                                        ("how", "superfluous"),
                                        ("state", "cancelled"),
                                        models.Q(("ended_by_label", ""), _negated=True),
                                    ),
                                    _connector="OR",
                                ),
                                name="follow_up_ended_how_when_and_by_whom",
                            ),
                            models.CheckConstraint(
                                condition=models.Q(
                                    models.Q(
                                        ("moved_at", None), ("moved_by", None), ("moved_why", "")
                                    ),
                                    models.Q(
                                        ("moved_at__isnull", False),
                                        ("moved_by__isnull", False),
                                        models.Q(("moved_why", ""), _negated=True),
                                    ),
                                    _connector="OR",
                                ),
                                name="follow_up_moved_when_by_whom_and_why",
                            ),
                            models.CheckConstraint(
                                condition=models.Q(
                                    models.Q(("first_touch", ""), ("first_touch_at", None)),
                                    models.Q(
                                        ("first_touch_at__isnull", False),
                                        models.Q(("first_touch", ""), _negated=True),
                                    ),
                                    _connector="OR",
                                ),
                                name="follow_up_touched_when_and_how",
                            ),
                            models.CheckConstraint(
                                condition=models.Q(
                                    ("stands_in_for", models.F("owner")), _negated=True
                                ),
                                name="follow_up_owner_stands_in_for_another",
                            ),
                        ],
                    },
                ),
                migrations.CreateModel(
                    name="ForcedEffect",
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
                                related_name="forced",
                                to="proposals.outcome",
                            ),
                        ),
                        (
                            "ticket",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.PROTECT,
                                related_name="forced_effects",
                                to="exceptions.ticket",
                            ),
                        ),
                        ("reason", models.CharField(max_length=1000)),
                        (
                            "asked_by",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.PROTECT,
                                related_name="+",
                                to=settings.AUTH_USER_MODEL,
                            ),
                        ),
                        ("asked_at", models.DateTimeField()),
                        ("is_approved", models.BooleanField(blank=True, null=True)),
                        (
                            "decided_by",
                            models.ForeignKey(
                                blank=True,
                                null=True,
                                on_delete=django.db.models.deletion.PROTECT,
                                related_name="+",
                                to=settings.AUTH_USER_MODEL,
                            ),
                        ),
                        ("decided_at", models.DateTimeField(blank=True, null=True)),
                        ("comment", models.CharField(blank=True, max_length=1000)),
                        (
                            "made",
                            models.OneToOneField(
                                blank=True,
                                null=True,
                                on_delete=django.db.models.deletion.PROTECT,
                                related_name="forced_by",
                                to="proposals.outcome",
                            ),
                        ),
                    ],
                    options={
                        "indexes": [
                            models.Index(
                                condition=models.Q(("decided_at", None)),
                                fields=["asked_at", "id"],
                                name="forced_waiting",
                            )
                        ],
                        "constraints": [
                            models.UniqueConstraint(
                                condition=models.Q(("decided_at", None)),
                                fields=("outcome",),
                                name="forced_once_at_a_time",
                            ),
                            models.CheckConstraint(
                                condition=models.Q(
                                    models.Q(
                                        ("decided_at", None),
                                        ("decided_by", None),
                                        ("is_approved", None),
                                    ),
                                    models.Q(
                                        ("decided_at__isnull", False),
                                        ("decided_by__isnull", False),
                                        ("is_approved__isnull", False),
                                    ),
                                    _connector="OR",
                                ),
                                name="forced_how_when_and_by_whom",
                            ),
                            models.CheckConstraint(
                                condition=models.Q(
                                    models.Q(("is_approved", True), _negated=True),
                                    models.Q(("decided_by", models.F("asked_by")), _negated=True),
                                    _connector="OR",
                                ),
                                name="forced_by_a_second_person",
                            ),
                            models.CheckConstraint(
                                condition=models.Q(
                                    ("made", None), ("is_approved", True), _connector="OR"
                                ),
                                name="forced_only_when_approved",
                            ),
                        ],
                    },
                ),
                migrations.CreateModel(
                    name="Hold",
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
                                related_name="holds",
                                to="proposals.proposal",
                            ),
                        ),
                        ("kind", models.CharField(max_length=20)),
                        ("reason", models.CharField(max_length=300)),
                        (
                            "set_by",
                            models.ForeignKey(
                                blank=True,
                                null=True,
                                on_delete=django.db.models.deletion.PROTECT,
                                related_name="+",
                                to=settings.AUTH_USER_MODEL,
                            ),
                        ),
                        ("set_by_label", models.CharField(max_length=200)),
                        ("set_at", models.DateTimeField()),
                        (
                            "amount",
                            models.DecimalField(
                                blank=True, decimal_places=4, max_digits=20, null=True
                            ),
                        ),
                        ("currency", models.CharField(blank=True, max_length=3)),
                        (
                            "lifted_by",
                            models.ForeignKey(
                                blank=True,
                                null=True,
                                on_delete=django.db.models.deletion.PROTECT,
                                related_name="+",
                                to=settings.AUTH_USER_MODEL,
                            ),
                        ),
                        ("lifted_by_label", models.CharField(blank=True, max_length=200)),
                        ("lifted_at", models.DateTimeField(blank=True, null=True)),
                        ("lifted_why", models.CharField(blank=True, max_length=300)),
                    ],
                    options={
                        "constraints": [
                            models.UniqueConstraint(
                                condition=models.Q(("lifted_at", None)),
                                fields=("proposal", "kind"),
                                name="one_hold_of_a_kind",
                            ),
                            models.CheckConstraint(
                                condition=models.Q(
                                    models.Q(
                                        ("lifted_at", None),
                                        ("lifted_by_label", ""),
                                        ("lifted_why", ""),
                                    ),
                                    models.Q(
                                        ("lifted_at__isnull", False),
                                        models.Q(("lifted_by_label", ""), _negated=True),
                                        models.Q(("lifted_why", ""), _negated=True),
                                    ),
                                    _connector="OR",
                                ),
                                name="lifted_when_by_whom_and_why",
                            ),
                        ],
                    },
                ),
                migrations.CreateModel(
                    name="RoutingRules",
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
                        ("record_kind", models.CharField(default="proposal", max_length=20)),
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
                        "verbose_name_plural": "routing rules",
                        "constraints": [
                            models.UniqueConstraint(
                                fields=("record_kind", "number"),
                                name="one_routing_rules_per_number",
                            ),
                            models.UniqueConstraint(
                                condition=models.Q(("is_live", True)),
                                fields=("record_kind",),
                                name="one_live_routing_rules",
                            ),
                            models.CheckConstraint(
                                condition=models.Q(("number__gt", models.F("based_on"))),
                                name="routing_rules_count_up",
                            ),
                        ],
                    },
                ),
                migrations.CreateModel(
                    name="RoutingDecision",
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
                        ("record", models.CharField(max_length=40)),
                        (
                            "signal",
                            models.ForeignKey(
                                blank=True,
                                null=True,
                                on_delete=django.db.models.deletion.CASCADE,
                                to="proposals.signal",
                            ),
                        ),
                        (
                            "rules",
                            models.ForeignKey(
                                db_index=False,
                                on_delete=django.db.models.deletion.PROTECT,
                                related_name="decisions",
                                to="proposals.routingrules",
                            ),
                        ),
                        ("rule", models.CharField(max_length=60)),
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
                            "meant_for",
                            models.ForeignKey(
                                blank=True,
                                db_index=False,
                                null=True,
                                on_delete=django.db.models.deletion.PROTECT,
                                related_name="+",
                                to=settings.AUTH_USER_MODEL,
                            ),
                        ),
                        ("took_turn", models.BooleanField(default=False)),
                        ("why", models.CharField(max_length=300)),
                        ("facts", models.JSONField()),
                        ("at", models.DateTimeField()),
                    ],
                    options={
                        "indexes": [
                            models.Index(fields=["record", "-id"], name="routing_decisions_record")
                        ],
                    },
                ),
                migrations.CreateModel(
                    name="RoutingPool",
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
                        ("record_kind", models.CharField(default="proposal", max_length=20)),
                        ("rule", models.SlugField(max_length=60)),
                        ("turns", models.JSONField(default=dict)),
                    ],
                    options={
                        "constraints": [
                            models.UniqueConstraint(
                                fields=("record_kind", "rule"), name="one_pool_per_rule"
                            )
                        ],
                    },
                ),
            ]
        ),
        migrations.RunSQL(FORWARDS, BACKWARDS),
    ]
