"""Notifications for a local time."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("delivery", "0019_replies")]
    operations = [
        migrations.AddField(
            "notification",
            "send_at_local",
            models.CharField(blank=True, db_default="", max_length=19),
        ),
        migrations.AddField(
            "notification",
            "local_time_passed",
            models.CharField(blank=True, db_default="", max_length=4),
        ),
    ]
