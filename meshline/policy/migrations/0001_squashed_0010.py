"""Every table of this app as it is since 0010, for a new database; see docs/decisions/0014."""

import datetime
from decimal import Decimal

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

import meshline.policy.tolerance
import meshline.policy.truth
from meshline.at_once import CreateModels


class Migration(migrations.Migration):
    replaces = [
        ("policy", "0001_initial"),
        ("policy", "0002_calendars_in_the_browser"),
        ("policy", "0003_drafts"),
        ("policy", "0004_owners_from_a_moment_on"),
        ("policy", "0005_high_value"),
        ("policy", "0006_how_a_source_wins"),
        ("policy", "0007_all_authors_of_a_draft"),
        ("policy", "0008_names_of_connections"),
        ("policy", "0009_drafts_for_a_second_person"),
        ("policy", "0010_tolerances_and_the_hour"),
    ]

    initial = True

    dependencies = [
        ("people", "0003_api_tokens"),
    ]

    operations = [
        CreateModels(
            [
                migrations.CreateModel(
                    name="Company",
                    fields=[
                        (
                            "id",
                            models.SmallIntegerField(default=1, primary_key=True, serialize=False),
                        ),
                        ("name", models.CharField(max_length=120)),
                        ("zone", models.CharField(default="UTC", max_length=60)),
                        (
                            "fallback_owner",
                            models.ForeignKey(
                                blank=True,
                                null=True,
                                on_delete=django.db.models.deletion.PROTECT,
                                related_name="+",
                                to=settings.AUTH_USER_MODEL,
                            ),
                        ),
                        ("high_value", models.JSONField(blank=True, default=dict)),
                        ("reconciles_at", models.TimeField(default=datetime.time(6, 0))),
                        ("reconciles_since", models.DateTimeField(blank=True, null=True)),
                    ],
                    options={
                        "verbose_name_plural": "company",
                        "constraints": [
                            models.CheckConstraint(
                                condition=models.Q(("id", 1)), name="there_is_one_company"
                            )
                        ],
                    },
                ),
                migrations.CreateModel(
                    name="SystemRole",
                    fields=[
                        (
                            "role",
                            models.CharField(max_length=20, primary_key=True, serialize=False),
                        ),
                        ("connection", models.SlugField(max_length=60)),
                    ],
                ),
                migrations.CreateModel(
                    name="ConnectionName",
                    fields=[
                        (
                            "connection",
                            models.SlugField(max_length=60, primary_key=True, serialize=False),
                        ),
                        ("name", models.CharField(max_length=120)),
                    ],
                ),
                migrations.CreateModel(
                    name="SourceOfTruth",
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
                        ("record_kind", models.CharField(max_length=40)),
                        ("field", models.CharField(max_length=60)),
                        ("connection", models.SlugField(blank=True, max_length=60)),
                        (
                            "how",
                            models.CharField(
                                choices=[
                                    ("always", "Always"),
                                    ("unless_blank", "Unless blank"),
                                    ("recent", "Most recent"),
                                    ("ask", "Ask a person"),
                                ],
                                default=meshline.policy.truth.How["ALWAYS"],
                                max_length=12,
                            ),
                        ),
                        (
                            "near",
                            models.CharField(
                                choices=[
                                    ("exact", "Exactly equal"),
                                    ("case_and_spaces", "But for case and spaces"),
                                    ("days", "Some days apart"),
                                    ("percent", "Some percent apart"),
                                ],
                                default=meshline.policy.tolerance.Near["EXACT"],
                                max_length=15,
                            ),
                        ),
                        (
                            "near_by",
                            models.DecimalField(
                                decimal_places=2, default=Decimal("0"), max_digits=5
                            ),
                        ),
                    ],
                    options={
                        "verbose_name_plural": "sources of truth",
                        "constraints": [
                            models.UniqueConstraint(
                                fields=("record_kind", "field"), name="one_authority_per_field"
                            ),
                            models.CheckConstraint(
                                condition=models.Q(
                                    ("connection", ""),
                                    (
                                        "how__in",
                                        [
                                            meshline.policy.truth.How["ALWAYS"],
                                            meshline.policy.truth.How["UNLESS_BLANK"],
                                        ],
                                    ),
                                    _connector="OR",
                                ),
                                name="an_authority_has_a_say",
                            ),
                            models.CheckConstraint(
                                condition=models.Q(
                                    models.Q(
                                        (
                                            "near__in",
                                            [
                                                meshline.policy.tolerance.Near["EXACT"],
                                                meshline.policy.tolerance.Near["SPACING"],
                                            ],
                                        ),
                                        ("near_by", 0),
                                    ),
                                    models.Q(
                                        ("near", meshline.policy.tolerance.Near["DAYS"]),
                                        ("near_by__gt", 0),
                                        ("near_by__lte", Decimal("31")),
                                    ),
                                    models.Q(
                                        ("near", meshline.policy.tolerance.Near["PERCENT"]),
                                        ("near_by__gt", 0),
                                        ("near_by__lte", Decimal("50")),
                                    ),
                                    _connector="OR",
                                ),
                                name="a_tolerance_is_within_its_bounds",
                            ),
                        ],
                    },
                ),
                migrations.CreateModel(
                    name="RaciAssignment",
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
                        ("process", models.CharField(max_length=80)),
                        (
                            "effective_from",
                            models.DateTimeField(
                                default=datetime.datetime(1970, 1, 1, 0, 0, tzinfo=datetime.UTC)
                            ),
                        ),
                        ("ended_at", models.DateTimeField(blank=True, null=True)),
                        (
                            "letter",
                            models.CharField(
                                choices=[
                                    ("responsible", "Responsible"),
                                    ("accountable", "Accountable"),
                                    ("consulted", "Consulted"),
                                    ("informed", "Informed"),
                                ],
                                max_length=12,
                            ),
                        ),
                        (
                            "user",
                            models.ForeignKey(
                                blank=True,
                                null=True,
                                on_delete=django.db.models.deletion.PROTECT,
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
                        (
                            "role",
                            models.CharField(
                                blank=True,
                                choices=[
                                    ("operator", "RevOps operator"),
                                    ("manager", "RevOps manager"),
                                    ("sdr-manager", "SDR manager"),
                                    ("rep", "Rep"),
                                    ("admin", "Admin"),
                                    ("viewer", "Viewer"),
                                ],
                                max_length=20,
                            ),
                        ),
                    ],
                    options={
                        "indexes": [
                            models.Index(fields=["process", "-effective_from"], name="raci_sets")
                        ],
                        "constraints": [
                            models.CheckConstraint(
                                condition=models.Q(
                                    models.Q(
                                        ("role", ""),
                                        ("team__isnull", True),
                                        ("user__isnull", False),
                                    ),
                                    models.Q(
                                        ("role", ""),
                                        ("team__isnull", False),
                                        ("user__isnull", True),
                                    ),
                                    models.Q(
                                        ("team__isnull", True),
                                        ("user__isnull", True),
                                        models.Q(("role", ""), _negated=True),
                                    ),
                                    _connector="OR",
                                ),
                                name="raci_names_a_person_a_team_or_a_role",
                            ),
                            models.UniqueConstraint(
                                condition=models.Q(("letter", "accountable")),
                                fields=("process", "effective_from"),
                                name="one_accountable_at_each_moment",
                            ),
                            models.CheckConstraint(
                                condition=models.Q(
                                    ("ended_at", None),
                                    ("ended_at__gte", models.F("effective_from")),
                                    _connector="OR",
                                ),
                                name="a_raci_set_ends_after_it_began",
                            ),
                        ],
                    },
                ),
                migrations.CreateModel(
                    name="BusinessCalendar",
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
                        ("zone", models.CharField(max_length=60)),
                        ("windows", models.JSONField()),
                        (
                            "team",
                            models.OneToOneField(
                                blank=True,
                                null=True,
                                on_delete=django.db.models.deletion.PROTECT,
                                related_name="calendar",
                                to="people.team",
                            ),
                        ),
                        ("is_default", models.BooleanField(default=False)),
                        ("country", models.CharField(blank=True, max_length=2)),
                        ("region", models.CharField(blank=True, max_length=40)),
                        ("version", models.PositiveIntegerField(default=1)),
                    ],
                    options={
                        "constraints": [
                            models.UniqueConstraint(
                                condition=models.Q(("is_default", True)),
                                fields=("is_default",),
                                name="one_default_calendar",
                            ),
                            models.CheckConstraint(
                                condition=models.Q(
                                    ("region", ""),
                                    models.Q(("country", ""), _negated=True),
                                    _connector="OR",
                                ),
                                name="a_region_has_its_country",
                            ),
                        ],
                    },
                ),
                migrations.CreateModel(
                    name="Holiday",
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
                            "calendar",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.CASCADE,
                                related_name="holidays",
                                to="policy.businesscalendar",
                            ),
                        ),
                        ("day", models.DateField()),
                        ("name", models.CharField(max_length=120)),
                    ],
                    options={
                        "constraints": [
                            models.UniqueConstraint(
                                fields=("calendar", "day"), name="one_holiday_a_day"
                            )
                        ],
                    },
                ),
                migrations.CreateModel(
                    name="Sla",
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
                        ("kind", models.CharField(blank=True, max_length=40)),
                        ("severity", models.CharField(max_length=10)),
                        ("ack_within", models.PositiveIntegerField(help_text="business minutes")),
                        ("fix_within", models.PositiveIntegerField(help_text="business minutes")),
                    ],
                    options={
                        "verbose_name": "SLA",
                        "constraints": [
                            models.UniqueConstraint(
                                fields=("kind", "severity"), name="one_sla_per_kind_and_severity"
                            ),
                            models.CheckConstraint(
                                condition=models.Q(
                                    ("ack_within__gt", 0),
                                    ("ack_within__lte", models.F("fix_within")),
                                ),
                                name="ack_is_due_before_fix",
                            ),
                        ],
                    },
                ),
                migrations.CreateModel(
                    name="Draft",
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
                        ("slug", models.SlugField(max_length=60)),
                        ("content", models.JSONField()),
                        ("note", models.CharField(blank=True, max_length=300)),
                        ("based_on", models.PositiveIntegerField()),
                        ("revision", models.PositiveIntegerField(default=1)),
                        (
                            "changed_by",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.PROTECT,
                                related_name="+",
                                to=settings.AUTH_USER_MODEL,
                            ),
                        ),
                        ("changed_at", models.DateTimeField()),
                        ("authors", models.JSONField(default=list)),
                        (
                            "submitted_by",
                            models.ForeignKey(
                                blank=True,
                                null=True,
                                on_delete=django.db.models.deletion.PROTECT,
                                related_name="+",
                                to=settings.AUTH_USER_MODEL,
                            ),
                        ),
                        ("submitted_at", models.DateTimeField(blank=True, null=True)),
                        ("takes_two", models.BooleanField(db_default=False, default=False)),
                    ],
                    options={
                        "constraints": [
                            models.UniqueConstraint(
                                fields=("kind", "slug"), name="one_draft_of_a_thing"
                            ),
                            models.CheckConstraint(
                                condition=models.Q(
                                    models.Q(("submitted_at", None), ("submitted_by", None)),
                                    models.Q(
                                        ("submitted_at__isnull", False),
                                        ("submitted_by__isnull", False),
                                    ),
                                    _connector="OR",
                                ),
                                name="submitted_when_and_by_whom",
                            ),
                        ],
                    },
                ),
            ]
        ),
    ]
