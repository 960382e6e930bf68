from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [
        ("connectors", "0007_messages_quarantined"),
        ("policy", "0008_names_of_connections"),
    ]

    operations = [
        migrations.RunSQL(
            "INSERT INTO policy_connectionname (connection, name)"
            " SELECT slug, name FROM connectors_connection ON CONFLICT DO NOTHING",
            migrations.RunSQL.noop,
        ),
    ]
