"""Chunks that list the members of an audience who are in the same time zones."""

import django.contrib.postgres.fields
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("delivery", "0020_local_time")]
    operations = [
        migrations.AddField(
            "chunk",
            "member_ids",
            django.contrib.postgres.fields.ArrayField(
                base_field=models.BigIntegerField(), null=True, size=None
            ),
        ),
    ]
