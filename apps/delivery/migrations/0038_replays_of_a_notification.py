"""Find the replays of a notification; those that are none cost nothing."""

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("delivery", "0037_traces")]
    operations = [
        AddIndexConcurrently(
            "notification",
            models.Index(
                condition=models.Q(("replay_of__isnull", False)),
                fields=["replay_of"],
                name="notification_replays",
            ),
        ),
    ]
