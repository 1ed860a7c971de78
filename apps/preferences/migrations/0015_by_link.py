"""Which preferences were written on a page that a link opens."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("preferences", "0014_quiet_hours")]
    operations = [
        migrations.AddField(
            "preference",
            "by_link",
            models.BooleanField(db_default=False, default=False, editable=False),
        ),
    ]
