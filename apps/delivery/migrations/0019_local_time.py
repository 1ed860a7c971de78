"""Notifications for a local time, and chunks of the people of a time zone."""

import django.contrib.postgres.fields
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("delivery", "0018_refused_by")]
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
        migrations.AddField(
            "chunk",
            "member_ids",
            django.contrib.postgres.fields.ArrayField(
                base_field=models.BigIntegerField(), null=True, size=None
            ),
        ),
    ]
