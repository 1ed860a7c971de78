"""The step of a fallback that a delivery belongs to."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("delivery", "0028_steps_of_chunks")]
    operations = [
        migrations.AddField("delivery", "step", models.SmallIntegerField(default=0, db_default=0)),
    ]
