"""The step of a fallback that a chunk belongs to."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("delivery", "0027_fallback_steps")]
    operations = [
        migrations.AddField("chunk", "step", models.SmallIntegerField(default=0, db_default=0)),
    ]
