"""Where notifications are counted for frequency caps."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("delivery", "0021_listed_chunks")]
    operations = [
        migrations.CreateModel(
            name="FrequencyCount",
            fields=[
                (
                    "id",
                    models.SmallIntegerField(default=1, primary_key=True, serialize=False),
                ),
                ("generation", models.BigIntegerField()),
                ("in_redis", models.BooleanField()),
                ("since", models.DateTimeField()),
            ],
        ),
    ]
