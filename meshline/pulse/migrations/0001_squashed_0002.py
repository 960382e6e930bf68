"""Every table of this app as it is since 0002, for a new database; see docs/decisions/0014."""

from django.db import migrations, models

from meshline.at_once import CreateModels


class Migration(migrations.Migration):
    replaces = [("pulse", "0001_initial"), ("pulse", "0002_task_runs")]

    initial = True

    dependencies = []

    operations = [
        CreateModels(
            [
                migrations.CreateModel(
                    name="Heartbeat",
                    fields=[
                        (
                            "name",
                            models.CharField(max_length=60, primary_key=True, serialize=False),
                        ),
                        ("beat_at", models.DateTimeField()),
                        ("detail", models.JSONField(default=dict)),
                    ],
                ),
                migrations.CreateModel(
                    name="TaskRun",
                    fields=[
                        (
                            "name",
                            models.CharField(max_length=80, primary_key=True, serialize=False),
                        ),
                        ("began_at", models.DateTimeField()),
                        ("seconds", models.FloatField(null=True)),
                        ("error", models.TextField(blank=True)),
                        ("succeeded_at", models.DateTimeField(null=True)),
                        ("every", models.FloatField()),
                    ],
                ),
            ]
        ),
    ]
