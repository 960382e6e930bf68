from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("policy", "0008_names_of_connections"),
    ]

    operations = [
        migrations.AddField(
            model_name="draft",
            name="takes_two",
            field=models.BooleanField(db_default=False, default=False),
        ),
        # Closing and invoicing are only ever asked for; of the others it is said once asked again.
        migrations.RunSQL(
            "UPDATE policy_draft SET takes_two = true WHERE kind = 'truth'",
            migrations.RunSQL.noop,
        ),
    ]
