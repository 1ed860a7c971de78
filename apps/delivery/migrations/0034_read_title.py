"""The permission to read what notifications are titled: their content is encrypted."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("delivery", "0033_notifications_of_references")]
    operations = [
        migrations.AlterModelOptions(
            "notification",
            {"permissions": [("read_title", "Can read the titles of notifications")]},
        ),
    ]
