"""Notifications have a category.

Deliveries follow in a migration of their own: a claim locks deliveries before it reads
notifications, and would deadlock with one that held both tables.
"""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("delivery", "0016_indexes_of_claims")]
    operations = [
        migrations.AddField(
            "notification",
            "category",
            models.CharField(blank=True, db_default="", max_length=100),
        ),
        migrations.AddField(
            "notification",
            "category_kind",
            models.CharField(blank=True, db_default="", max_length=13),
        ),
        migrations.AddField(
            "notification",
            "other_category",
            models.BooleanField(db_default=False, default=False),
        ),
    ]
