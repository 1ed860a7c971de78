"""Text messages that people write to our senders."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("delivery", "0018_refused_by"),
        ("publishers", "0001_initial"),
    ]
    operations = [
        migrations.CreateModel(
            name="Reply",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("provider", models.CharField(max_length=40)),
                ("message_id", models.CharField(max_length=64)),
                ("kind", models.CharField(max_length=10)),
                ("applied", models.BooleanField(default=False)),
                (
                    "sender",
                    models.CharField(
                        help_text="our number or service", max_length=64, verbose_name="to"
                    ),
                ),
                (
                    "masked",
                    models.CharField(help_text="masked", max_length=100, verbose_name="from"),
                ),
                ("delivery_id", models.BigIntegerField(null=True)),
                ("received_at", models.DateTimeField(auto_now_add=True)),
                (
                    "publisher",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to="publishers.publisher",
                        verbose_name="told to",
                    ),
                ),
            ],
            options={
                "verbose_name_plural": "replies",
                "constraints": [
                    models.UniqueConstraint(fields=("provider", "message_id"), name="reply_once")
                ],
            },
        ),
    ]
