"""Fallbacks of several steps, and who read or acknowledged notifications that have one."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("delivery", "0026_told_in_index")]
    operations = [
        migrations.AddField("notification", "steps", models.JSONField(null=True)),
        migrations.CreateModel(
            name="Answer",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("notification_id", models.UUIDField()),
                ("recipient_id", models.BigIntegerField()),
                ("source", models.CharField(max_length=10)),
                ("read_at", models.DateTimeField()),
                ("acknowledged_at", models.DateTimeField(null=True)),
            ],
            options={
                "indexes": [
                    models.Index(
                        condition=models.Q(acknowledged_at__isnull=False),
                        fields=["notification_id", "acknowledged_at"],
                        name="answer_acknowledged",
                    )
                ],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("notification_id", "recipient_id"), name="answer_once_a_person"
                    )
                ],
            },
        ),
    ]
