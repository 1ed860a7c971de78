"""Digests: what a notification asks for, and what is open."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("delivery", "0023_counts_kept")]
    operations = [
        migrations.AddField("notification", "digest", models.JSONField(null=True)),
        migrations.CreateModel(
            name="OpenDigest",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("publisher_id", models.BigIntegerField()),
                ("contact_id", models.BigIntegerField()),
                ("recipient_id", models.BigIntegerField()),
                ("category", models.CharField(max_length=100)),
                ("key", models.CharField(max_length=128)),
                ("topic_id", models.BigIntegerField(db_default=0, default=0)),
                ("delivery_id", models.BigIntegerField(unique=True)),
                ("notification_id", models.UUIDField()),
                ("items", models.IntegerField()),
                ("opened_at", models.DateTimeField()),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        fields=["contact_id", "publisher_id", "category", "key", "topic_id"],
                        name="digest_open_once",
                    )
                ],
                "indexes": [models.Index(fields=["recipient_id"], name="digest_of_recipient")],
            },
        ),
    ]
