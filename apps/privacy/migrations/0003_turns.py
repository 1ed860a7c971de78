"""Erasures take turns: how far each has come is on its row."""

import django.contrib.postgres.fields
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("privacy", "0002_encryption_keys")]
    operations = [
        migrations.AddField("erasure", "cleared_at", models.DateTimeField(null=True)),
        migrations.AddField(
            "erasure",
            "notification_ids",
            django.contrib.postgres.fields.ArrayField(
                base_field=models.UUIDField(), db_default=[], default=list, size=None
            ),
        ),
        migrations.AddField(
            "erasure", "step", models.PositiveSmallIntegerField(db_default=0, default=0)
        ),
        migrations.AddField(
            "erasure", "position", models.CharField(db_default="", default="", max_length=40)
        ),
    ]
