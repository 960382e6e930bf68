from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("policy", "0006_how_a_source_wins"),
    ]

    operations = [
        migrations.AddField(
            model_name="draft",
            name="authors",
            field=models.JSONField(default=list),
        ),
        # Of those that are there nobody but the last is known.
        migrations.RunSQL(
            "UPDATE policy_draft SET authors = jsonb_build_array(changed_by_id)",
            migrations.RunSQL.noop,
        ),
    ]
