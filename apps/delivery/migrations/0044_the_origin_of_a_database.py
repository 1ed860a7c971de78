"""The first name of a database, by which its copies know what ids another of them was given."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("delivery", "0043_delivery_numbers")]
    operations = [
        migrations.AddField(
            model_name="databaseage",
            name="origin",
            field=models.UUIDField(null=True),
        ),
    ]
