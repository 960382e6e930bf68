from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("connectors", "0005_mappings"),
    ]

    operations = [
        migrations.AddField(
            model_name="message",
            name="failures",
            field=models.PositiveIntegerField(db_default=0, default=0),
        ),
    ]
