"""Find a publisher's notifications by their references; those without one cost nothing."""

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("delivery", "0033_retention")]
    operations = [
        AddIndexConcurrently(
            "notification",
            models.Index(
                condition=models.Q(("reference", ""), _negated=True),
                fields=["publisher", "reference", "-id"],
                name="notification_of_reference",
            ),
        ),
    ]
