"""An index of what is told to status webhooks: erasure looks through it for people."""

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models
from django.db.models import Q


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("delivery", "0034_notifications_of_references")]
    operations = [
        AddIndexConcurrently(
            model_name="notification",
            index=models.Index(
                fields=["id"], condition=Q(kind="status"), name="notification_of_events"
            ),
        )
    ]
