"""Drop indexes that others begin with, or that only retention read, while rows go on being written.

Each cost an entry of some 64 bytes of WAL for every notification, and its place on disk.
"""

import django.db.models.deletion
from django.db import migrations, models

#: The names that Django gave them, and what they were on.
INDEXES = {
    "delivery_idempotencykey_publisher_id_bb1d8920": "delivery_idempotencykey (publisher_id)",
    "delivery_idempotencykey_created_at_08313fb8": "delivery_idempotencykey (created_at)",
    "delivery_notification_publisher_id_af975269": "delivery_notification (publisher_id)",
    "delivery_notification_topic_id_84ca64f8": "delivery_notification (topic_id)",
}


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("delivery", "0030_deliveries_of_steps")]
    operations = [
        migrations.SeparateDatabaseAndState(
            database_operations=[
                migrations.RunSQL(
                    f"DROP INDEX CONCURRENTLY IF EXISTS {name}",
                    f"CREATE INDEX CONCURRENTLY IF NOT EXISTS {name} ON {columns}",
                )
                for name, columns in INDEXES.items()
            ],
            state_operations=[
                migrations.AlterField(
                    model_name="idempotencykey",
                    name="publisher",
                    field=models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        to="publishers.publisher",
                    ),
                ),
                migrations.AlterField(
                    model_name="idempotencykey",
                    name="created_at",
                    field=models.DateTimeField(),
                ),
                migrations.AlterField(
                    model_name="notification",
                    name="publisher",
                    field=models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        to="publishers.publisher",
                    ),
                ),
                migrations.AlterField(
                    model_name="notification",
                    name="topic",
                    field=models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        to="topics.topic",
                    ),
                ),
            ],
        ),
    ]
