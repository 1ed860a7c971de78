"""Notifications that are replays name the one that they send again."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("delivery", "0035_events_of_status_webhooks")]
    operations = [
        migrations.AddField("notification", "replay_of", models.UUIDField(null=True)),
    ]
