"""What publishers know notifications by, and the permission to read their titles."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("delivery", "0031_unused_indexes")]
    operations = [
        migrations.AddField(
            "notification",
            "reference",
            models.CharField(blank=True, default="", db_default="", max_length=255),
        ),
        migrations.AddField("notification", "metadata", models.JSONField(null=True)),
        migrations.AlterModelOptions(
            "notification",
            {"permissions": [("read_title", "Can read the titles of notifications")]},
        ),
    ]
