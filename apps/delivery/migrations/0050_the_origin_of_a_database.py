"""The first name of a database, by which its copies know what ids another of them was given."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("delivery", "0042_latencies")]
    operations = [
        migrations.AddField(
            model_name="databaseage",
            name="origin",
            field=models.UUIDField(null=True),
        ),
    ]
