"""Every table of this app as it is since 0002, for a new database; see docs/decisions/0014."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

from meshline.at_once import CreateModels


class Migration(migrations.Migration):
    replaces = [("notices", "0001_initial"), ("notices", "0002_who_is_told_how")]

    initial = True

    dependencies = [
        ("people", "0003_api_tokens"),
    ]

    operations = [
        CreateModels(
            [
                migrations.CreateModel(
                    name="Notice",
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
                                related_name="notices",
                                to=settings.AUTH_USER_MODEL,
                            ),
                        ),
                        ("at", models.DateTimeField()),
                        ("kind", models.CharField(default="record", max_length=20)),
                        ("text", models.CharField(max_length=300)),
                        ("url", models.CharField(blank=True, max_length=300)),
                        ("key", models.CharField(max_length=400)),
                        ("record", models.CharField(blank=True, max_length=120)),
                        ("record_title", models.CharField(blank=True, max_length=300)),
                        ("is_critical", models.BooleanField(default=False)),
                        ("lines", models.JSONField(blank=True, default=list)),
                        ("read_at", models.DateTimeField(blank=True, null=True)),
                    ],
                    options={
                        "indexes": [
                            models.Index(fields=["user", "-at"], name="notices_newest"),
                            models.Index(
                                condition=models.Q(("read_at__isnull", True)),
                                fields=["user"],
                                name="notices_unread",
                            ),
                        ],
                        "constraints": [
                            models.UniqueConstraint(
                                fields=("key", "user"), name="one_notice_per_change_and_person"
                            )
                        ],
                    },
                ),
                migrations.CreateModel(
                    name="Preferences",
                    fields=[
                        (
                            "user",
                            models.OneToOneField(
                                on_delete=django.db.models.deletion.CASCADE,
                                primary_key=True,
                                related_name="notice_preferences",
                                serialize=False,
                                to=settings.AUTH_USER_MODEL,
                            ),
                        ),
                        ("channels", models.JSONField(blank=True, default=dict)),
                        ("quiet", models.JSONField(blank=True, default=list)),
                        ("critical_breaks_through", models.BooleanField(default=False)),
                        ("digest_at", models.CharField(blank=True, max_length=5)),
                        ("digested_on", models.DateField(blank=True, null=True)),
                        ("digested_at", models.DateTimeField(blank=True, null=True)),
                        ("slack_id", models.CharField(blank=True, max_length=40)),
                    ],
                    options={
                        "verbose_name_plural": "preferences",
                    },
                ),
                migrations.CreateModel(
                    name="Sending",
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
                            "notice",
                            models.ForeignKey(
                                db_index=False,
                                on_delete=django.db.models.deletion.CASCADE,
                                related_name="sendings",
                                to="notices.notice",
                            ),
                        ),
                        (
                            "user",
                            models.ForeignKey(
                                db_index=False,
                                on_delete=django.db.models.deletion.CASCADE,
                                related_name="+",
                                to=settings.AUTH_USER_MODEL,
                            ),
                        ),
                        ("channel", models.CharField(max_length=10)),
                        (
                            "state",
                            models.CharField(
                                choices=[
                                    ("due", "Due"),
                                    ("leased", "Being sent"),
                                    ("sent", "Sent"),
                                    ("given_up", "Given up"),
                                    ("cancelled", "Cancelled"),
                                ],
                                default="due",
                                max_length=10,
                            ),
                        ),
                        ("was_held", models.BooleanField(default=False)),
                        ("next_attempt_at", models.DateTimeField()),
                        ("parcel", models.UUIDField(blank=True, null=True)),
                        ("attempts", models.PositiveIntegerField(default=0)),
                        ("crashes", models.PositiveIntegerField(default=0)),
                        ("lease_owner", models.UUIDField(blank=True, null=True)),
                        ("lease_until", models.DateTimeField(blank=True, null=True)),
                        ("first_failed_at", models.DateTimeField(blank=True, null=True)),
                        ("why", models.CharField(blank=True, max_length=500)),
                        ("failure", models.CharField(blank=True, max_length=60)),
                        ("sent_at", models.DateTimeField(blank=True, null=True)),
                        ("external_id", models.CharField(blank=True, max_length=200)),
                    ],
                    options={
                        "indexes": [
                            models.Index(
                                condition=models.Q(("state__in", ["due", "leased"])),
                                fields=["next_attempt_at", "id"],
                                name="sendings_due",
                            ),
                            models.Index(fields=["user", "-id"], name="sendings_person"),
                            models.Index(
                                condition=models.Q(("state", "given_up")),
                                fields=["channel"],
                                name="sendings_given_up",
                            ),
                        ],
                        "constraints": [
                            models.UniqueConstraint(
                                fields=("notice", "channel"),
                                name="one_sending_per_notice_and_channel",
                            ),
                            models.CheckConstraint(
                                condition=models.Q(
                                    models.Q(("state", "leased"), _negated=True),
                                    models.Q(
                                        ("lease_owner__isnull", False),
                                        ("lease_until__isnull", False),
                                    ),
                                    _connector="OR",
                                ),
                                name="a_leased_sending_has_a_lease",
                            ),
                            models.CheckConstraint(
                                condition=models.Q(
                                    models.Q(("state", "sent"), _negated=True),
                                    ("sent_at__isnull", False),
                                    _connector="OR",
                                ),
                                name="a_sent_sending_says_when",
                            ),
                        ],
                    },
                ),
            ]
        ),
    ]
