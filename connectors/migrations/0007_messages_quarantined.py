from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("connectors", "0006_failures_of_messages"),
    ]

    operations = [
        migrations.AddIndex(
            model_name="message",
            index=models.Index(
                condition=models.Q(("status", "quarantined")),
                fields=["-id"],
                name="messages_quarantined",
            ),
        ),
    ]
