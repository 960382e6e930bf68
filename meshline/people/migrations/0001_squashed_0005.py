"""Every table of this app as it is since 0005, for a new database; see docs/decisions/0014."""

import django.contrib.postgres.constraints
import django.contrib.postgres.fields.ranges
import django.db.models.deletion
import django.db.models.functions.text
from django.conf import settings
from django.db import migrations, models

from meshline.at_once import CreateModels


class Migration(migrations.Migration):
    replaces = [
        ("people", "0001_initial"),
        ("people", "0002_sign_in_failures"),
        ("people", "0003_api_tokens"),
        ("people", "0004_rota_and_absence"),
        ("people", "0005_single_keys"),
    ]

    initial = True

    dependencies = []

    operations = [
        CreateModels(
            [
                migrations.CreateModel(
                    name="Team",
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
                    ],
                ),
                migrations.CreateModel(
                    name="User",
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
                        ("password", models.CharField(max_length=128, verbose_name="password")),
                        (
                            "last_login",
                            models.DateTimeField(blank=True, null=True, verbose_name="last login"),
                        ),
                        ("email", models.EmailField(max_length=254, unique=True)),
                        ("name", models.CharField(max_length=120)),
                        (
                            "role",
                            models.CharField(
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
                        (
                            "team",
                            models.ForeignKey(
                                blank=True,
                                null=True,
                                on_delete=django.db.models.deletion.PROTECT,
                                related_name="members",
                                to="people.team",
                            ),
                        ),
                        ("zone", models.CharField(default="UTC", max_length=60)),
                        ("is_active", models.BooleanField(default=True)),
                        ("deactivated_at", models.DateTimeField(blank=True, null=True)),
                        ("approves_model", models.BooleanField(default=False)),
                        ("dark", models.BooleanField(blank=True, null=True)),
                        ("single_keys", models.BooleanField(default=True)),
                        ("created_at", models.DateTimeField(auto_now_add=True)),
                    ],
                    options={
                        "constraints": [
                            models.UniqueConstraint(
                                django.db.models.functions.text.Lower("email"),
                                name="one_person_per_email",
                            )
                        ],
                    },
                ),
                migrations.CreateModel(
                    name="Absence",
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
                            "user",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.CASCADE,
                                related_name="absences",
                                to=settings.AUTH_USER_MODEL,
                            ),
                        ),
                        (
                            "stand_in",
                            models.ForeignKey(
                                blank=True,
                                null=True,
                                on_delete=django.db.models.deletion.PROTECT,
                                related_name="stands_in",
                                to=settings.AUTH_USER_MODEL,
                            ),
                        ),
                        ("starts_at", models.DateTimeField()),
                        ("ends_at", models.DateTimeField()),
                        ("note", models.CharField(blank=True, max_length=300)),
                    ],
                    options={
                        "indexes": [models.Index(fields=["ends_at"], name="absences_not_over")],
                        "constraints": [
                            models.CheckConstraint(
                                condition=models.Q(("ends_at__gt", models.F("starts_at"))),
                                name="absence_ends_later",
                            ),
                            models.CheckConstraint(
                                condition=models.Q(("stand_in", models.F("user")), _negated=True),
                                name="nobody_stands_in_for_themselves",
                            ),
                        ],
                    },
                ),
                migrations.CreateModel(
                    name="OnCallShift",
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
                            "team",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.CASCADE,
                                related_name="shifts",
                                to="people.team",
                            ),
                        ),
                        (
                            "user",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.PROTECT,
                                related_name="shifts",
                                to=settings.AUTH_USER_MODEL,
                            ),
                        ),
                        (
                            "layer",
                            models.CharField(
                                choices=[("primary", "Primary"), ("secondary", "Secondary")],
                                default="primary",
                                max_length=10,
                            ),
                        ),
                        ("starts_at", models.DateTimeField()),
                        ("ends_at", models.DateTimeField()),
                        ("handover_note", models.TextField(blank=True, max_length=4000)),
                        (
                            "handover_by",
                            models.ForeignKey(
                                blank=True,
                                null=True,
                                on_delete=django.db.models.deletion.PROTECT,
                                related_name="+",
                                to=settings.AUTH_USER_MODEL,
                            ),
                        ),
                        ("handover_at", models.DateTimeField(blank=True, null=True)),
                    ],
                    options={
                        "constraints": [
                            models.CheckConstraint(
                                condition=models.Q(("ends_at__gt", models.F("starts_at"))),
                                name="shift_ends_later",
                            ),
                            models.CheckConstraint(
                                condition=models.Q(
                                    models.Q(("handover_at", None), ("handover_by", None)),
                                    models.Q(
                                        ("handover_at__isnull", False),
                                        ("handover_by__isnull", False),
                                    ),
                                    _connector="OR",
                                ),
                                name="handed_over_who_and_when",
                            ),
                            django.contrib.postgres.constraints.ExclusionConstraint(
                                condition=models.Q(("layer", "primary")),
                                expressions=[
                                    (
                                        models.Func(
                                            "team_id",
                                            "team_id",
                                            models.Value("[]"),
                                            function="int8range",
                                        ),
                                        "&&",
                                    ),
                                    (
                                        models.Func(
                                            "starts_at",
                                            "ends_at",
                                            function="tstzrange",
                                            output_field=django.contrib.postgres.fields.ranges.DateTimeRangeField(),
                                        ),
                                        "&&",
                                    ),
                                ],
                                name="one_primary_at_a_time",
                            ),
                            django.contrib.postgres.constraints.ExclusionConstraint(
                                condition=models.Q(("layer", "secondary")),
                                expressions=[
                                    (
                                        models.Func(
                                            "team_id",
                                            "team_id",
                                            models.Value("[]"),
                                            function="int8range",
                                        ),
                                        "&&",
                                    ),
                                    (
                                        models.Func(
                                            "starts_at",
                                            "ends_at",
                                            function="tstzrange",
                                            output_field=django.contrib.postgres.fields.ranges.DateTimeRangeField(),
                                        ),
                                        "&&",
                                    ),
                                ],
                                name="one_secondary_at_a_time",
                            ),
                        ],
                    },
                ),
                migrations.CreateModel(
                    name="ShiftOverride",
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
                            "shift",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.CASCADE,
                                related_name="overrides",
                                to="people.oncallshift",
                            ),
                        ),
                        (
                            "user",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.PROTECT,
                                related_name="+",
                                to=settings.AUTH_USER_MODEL,
                            ),
                        ),
                        ("starts_at", models.DateTimeField()),
                        ("ends_at", models.DateTimeField()),
                    ],
                    options={
                        "constraints": [
                            models.CheckConstraint(
                                condition=models.Q(("ends_at__gt", models.F("starts_at"))),
                                name="override_ends_later",
                            ),
                            django.contrib.postgres.constraints.ExclusionConstraint(
                                expressions=[
                                    (
                                        models.Func(
                                            "shift_id",
                                            "shift_id",
                                            models.Value("[]"),
                                            function="int8range",
                                        ),
                                        "&&",
                                    ),
                                    (
                                        models.Func(
                                            "starts_at",
                                            "ends_at",
                                            function="tstzrange",
                                            output_field=django.contrib.postgres.fields.ranges.DateTimeRangeField(),
                                        ),
                                        "&&",
                                    ),
                                ],
                                name="one_override_at_a_time",
                            ),
                        ],
                    },
                ),
                migrations.CreateModel(
                    name="Invitation",
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
                            "user",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.CASCADE,
                                related_name="invitations",
                                to=settings.AUTH_USER_MODEL,
                            ),
                        ),
                        ("token_hash", models.BinaryField(unique=True)),
                        ("expires_at", models.DateTimeField()),
                        ("used_at", models.DateTimeField(blank=True, null=True)),
                    ],
                ),
                migrations.CreateModel(
                    name="SignInFailure",
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
                        ("key", models.BinaryField()),
                        ("at", models.DateTimeField()),
                    ],
                    options={
                        "indexes": [models.Index(fields=["key", "at"], name="sign_in_failures")],
                    },
                ),
                migrations.CreateModel(
                    name="ApiToken",
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
                            "user",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.CASCADE,
                                related_name="api_tokens",
                                to=settings.AUTH_USER_MODEL,
                            ),
                        ),
                        ("name", models.CharField(max_length=80)),
                        ("prefix", models.CharField(max_length=20)),
                        ("token_hash", models.BinaryField(unique=True)),
                        ("created_at", models.DateTimeField()),
                        ("expires_at", models.DateTimeField()),
                        ("last_used_at", models.DateTimeField(blank=True, null=True)),
                        ("revoked_at", models.DateTimeField(blank=True, null=True)),
                    ],
                ),
                migrations.CreateModel(
                    name="ApiUse",
                    fields=[
                        (
                            "token",
                            models.OneToOneField(
                                on_delete=django.db.models.deletion.CASCADE,
                                primary_key=True,
                                serialize=False,
                                to="people.apitoken",
                            ),
                        ),
                        ("minute", models.BigIntegerField()),
                        ("uses", models.PositiveIntegerField()),
                    ],
                ),
            ]
        ),
        migrations.AddField(
            model_name="team",
            name="lead",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="leads",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
    ]
