from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("proposals", "0008_holds"),
    ]

    operations = [
        migrations.AddField(
            model_name="outcome",
            name="waits",
            field=models.PositiveIntegerField(db_default=0, default=0),
        ),
    ]
