"""Whether the numbers of a notification's deliveries are kept; notifications to one have few."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("delivery", "0022_frequency_counts")]
    operations = [
        migrations.AddField(
            model_name="notification",
            name="counts_kept",
            field=models.BooleanField(db_default=True, default=True),
        ),
    ]
