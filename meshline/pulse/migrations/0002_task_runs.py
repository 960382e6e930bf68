from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("pulse", "0001_initial")]

    operations = [
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
