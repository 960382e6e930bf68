from django.db import migrations, models
from django.db.models import F, Q


class Migration(migrations.Migration):
    dependencies = [("proposals", "0016_follow_ups_there_are")]

    operations = [
        migrations.AddIndex(
            model_name="proposal",
            index=models.Index(
                fields=["state", "id"],
                name="proposals_unbilled",
                condition=Q(state__in=["draft", "sent", "viewed", "expired"])
                | Q(invoiced=None)
                | ~Q(invoiced=F("amount"))
                | ~Q(invoiced_currency=F("currency")),
            ),
        ),
    ]
