import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models
from django.db.models import Q


class Migration(migrations.Migration):
    dependencies = [
        ("reconciliation", "0005_canaries"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="MondayList",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
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
                        condition=Q(signed_at=None, signed_by=None, minutes=None)
                        | Q(
                            signed_at__isnull=False,
                            signed_by__isnull=False,
                            minutes__range=(1, 600),
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
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
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
                (
                    "monday",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="items",
                        to="reconciliation.mondaylist",
                    ),
                ),
            ],
            options={
                "ordering": ["place"],
                "constraints": [
                    models.UniqueConstraint(fields=("monday", "name"), name="one_item_per_monday"),
                    models.CheckConstraint(
                        condition=~Q(state="holds") | Q(failing=0),
                        name="an_item_that_holds_fails_for_none",
                    ),
                ],
            },
        ),
    ]
