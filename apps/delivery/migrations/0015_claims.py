"""Claims: deliveries of any notifications that one worker holds under one lease.

Processes of the version before go on meanwhile: columns are added with defaults, and nothing that
they use goes.
"""

from django.db import migrations, models

# The rows come and go by the thousand a second; what they leave behind would be read by each claim.
_VACUUM = (
    "ALTER TABLE delivery_chunk SET (autovacuum_vacuum_scale_factor = 0.02, "
    "autovacuum_vacuum_threshold = 2000)"
)
_USUAL = (
    "ALTER TABLE delivery_chunk RESET (autovacuum_vacuum_scale_factor, autovacuum_vacuum_threshold)"
)


class Migration(migrations.Migration):
    dependencies = [("delivery", "0014_deliveries_of_endpoints")]

    operations = [
        migrations.CreateModel(
            name="Claim",
            fields=[
                ("id", models.BigIntegerField(primary_key=True, serialize=False)),
                ("channel", models.CharField(max_length=20)),
                ("priority", models.CharField(max_length=10)),
                ("worker", models.CharField(max_length=200)),
                ("claimed_at", models.DateTimeField()),
                ("lease_until", models.DateTimeField()),
            ],
        ),
        migrations.CreateModel(
            name="PendingCount",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("notification_id", models.UUIDField(db_index=True)),
                ("channel", models.CharField(max_length=20)),
                ("state", models.CharField(max_length=10)),
                ("count", models.BigIntegerField()),
            ],
        ),
        migrations.CreateModel(
            name="TopicRelease",
            fields=[
                ("topic_id", models.BigIntegerField(primary_key=True, serialize=False)),
                ("resumed_at", models.DateTimeField()),
            ],
        ),
        migrations.AddField(
            "chunk", "publisher_id", models.BigIntegerField(default=0, db_default=0)
        ),
        migrations.AddField("chunk", "size", models.IntegerField(default=0, db_default=0)),
        migrations.AddField(
            "chunk",
            "reason",
            models.CharField(max_length=40, blank=True, default="", db_default=""),
        ),
        migrations.AddField(
            "delivery", "publisher_id", models.BigIntegerField(default=0, db_default=0)
        ),
        # The column and its index stay as they are.
        migrations.SeparateDatabaseAndState(
            state_operations=[
                migrations.RemoveField("delivery", "chunk"),
                migrations.AddField(
                    "delivery",
                    "claim_id",
                    models.BigIntegerField(db_column="chunk_id", db_index=True),
                    preserve_default=False,
                ),
            ]
        ),
        migrations.RunSQL(_VACUUM, _USUAL),
    ]
