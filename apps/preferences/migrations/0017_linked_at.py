"""When a page that a link opens wrote a preference."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("preferences", "0016_by_link")]
    operations = [
        migrations.AddField(
            "preference",
            "linked_at",
            models.DateTimeField(editable=False, null=True),
        ),
    ]
