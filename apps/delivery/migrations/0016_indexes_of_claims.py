"""Indexes for claims, by publisher, built while deliveries go on being written."""

import django.contrib.postgres.operations
from django.db import migrations, models
from django.db.models import Q


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("delivery", "0015_claims")]

    operations = [
        django.contrib.postgres.operations.AddIndexConcurrently(
            "chunk",
            models.Index(fields=["due_at"], condition=Q(state="running"), name="chunk_running"),
        ),
        django.contrib.postgres.operations.AddIndexConcurrently(
            "chunk",
            models.Index(
                fields=["priority", "channel", "publisher_id", "ready_at"],
                condition=Q(state="queued"),
                name="chunk_waiting",
            ),
        ),
        django.contrib.postgres.operations.AddIndexConcurrently(
            "delivery",
            models.Index(
                fields=["priority", "channel", "publisher_id", "next_attempt_at"],
                condition=Q(next_attempt_at__isnull=False),
                name="delivery_waiting",
            ),
        ),
        django.contrib.postgres.operations.AddIndexConcurrently(
            "notification",
            models.Index(
                fields=["cancelled_at"],
                condition=Q(cancelled_at__isnull=False),
                name="notification_cancelled",
            ),
        ),
    ]
