from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("reconciliation", "0010_who_looked_on_monday"),
    ]

    operations = [
        migrations.AddField(
            model_name="canary",
            name="reaches_crm",
            field=models.BooleanField(db_default=True, default=True),
        ),
        migrations.AddField(
            model_name="canary",
            name="tells",
            field=models.TextField(blank=True, db_default=""),
        ),
        migrations.AddField(
            model_name="probe",
            name="reaches_crm",
            field=models.BooleanField(db_default=True, default=True),
        ),
    ]
