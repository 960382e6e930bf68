from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("reconciliation", "0011_how_far_a_canary_goes"),
    ]

    operations = [
        migrations.RemoveConstraint(
            model_name="rollup",
            name="one_rollup_per_bucket",
        ),
        migrations.AddConstraint(
            model_name="rollup",
            constraint=models.UniqueConstraint(
                fields=("number", "cut", "grain", "at", "team", "key", "bucket"),
                include=("n", "total"),
                name="one_rollup_per_bucket",
            ),
        ),
    ]
