"""Notifications have a category, and a delivery says which preference refused it."""

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
        migrations.AddField("delivery", "refused_by", models.CharField(max_length=40, null=True)),
    ]
