"""The local time of a run whose occurrence was on recipients' own clocks."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("schedules", "0001_initial")]

    operations = [
        migrations.AddField(
            model_name="run",
            name="local",
            field=models.CharField(blank=True, db_default="", max_length=16),
        ),
    ]
