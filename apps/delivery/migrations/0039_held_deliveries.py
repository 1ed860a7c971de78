"""Deliveries that are held after a restore."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("delivery", "0038_replays_of_a_notification")]
    operations = [
        migrations.CreateModel(
            name="HeldDelivery",
            fields=[
                ("delivery_id", models.BigIntegerField(primary_key=True, serialize=False)),
                ("notification_id", models.UUIDField()),
                ("due_at", models.DateTimeField()),
                ("reason", models.CharField(blank=True, max_length=40)),
                ("publisher_id", models.BigIntegerField()),
                ("channel", models.CharField(max_length=20)),
                ("category", models.CharField(blank=True, max_length=100)),
                ("accepted_at", models.DateTimeField()),
            ],
        ),
    ]
