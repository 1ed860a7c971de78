"""Replies keep the keyed hash of the number that wrote them: others have the same last digits."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("delivery", "0039_held_deliveries")]
    operations = [
        migrations.AddField("reply", "address_index", models.BinaryField(max_length=16, null=True)),
    ]
