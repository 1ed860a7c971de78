"""The age of a database, by which one that was restored is recognised."""

from uuid import uuid4

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("delivery", "0040_replies_by_number")]
    operations = [
        migrations.CreateModel(
            name="DatabaseAge",
            fields=[
                ("id", models.SmallIntegerField(default=1, primary_key=True, serialize=False)),
                ("database", models.UUIDField(default=uuid4)),
                ("minutes", models.BigIntegerField()),
            ],
        ),
    ]
