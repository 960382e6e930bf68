from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("policy", "0007_all_authors_of_a_draft"),
    ]

    operations = [
        migrations.CreateModel(
            name="ConnectionName",
            fields=[
                (
                    "connection",
                    models.SlugField(max_length=60, primary_key=True, serialize=False),
                ),
                ("name", models.CharField(max_length=120)),
            ],
        ),
    ]
