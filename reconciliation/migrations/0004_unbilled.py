import django.db.models.deletion
from django.db import migrations, models
from django.db.models import Q


class Migration(migrations.Migration):
    dependencies = [
        ("proposals", "0013_promised_by_hand"),
        ("reconciliation", "0003_fixes"),
    ]

    operations = [
        migrations.CreateModel(
            name="Unbilled",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
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
                (
                    "proposal",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="proposals.proposal",
                    ),
                ),
            ],
            options={
                "indexes": [models.Index(fields=["-settled_at", "-id"], name="unbilled_settled")],
                "constraints": [
                    models.UniqueConstraint(
                        condition=Q(settled_at=None), fields=("proposal",), name="one_open_unbilled"
                    ),
                    models.CheckConstraint(
                        condition=Q(settled_at=None) | ~Q(settled_how=""),
                        name="what_is_settled_says_how",
                    ),
                ],
            },
        ),
    ]
