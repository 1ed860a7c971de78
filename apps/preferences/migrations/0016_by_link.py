"""Which preferences were written on a page that a link opens."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("preferences", "0015_frequency_caps")]
    operations = [
        migrations.AddField(
            "preference",
            "by_link",
            models.BooleanField(db_default=False, default=False, editable=False),
        ),
    ]
