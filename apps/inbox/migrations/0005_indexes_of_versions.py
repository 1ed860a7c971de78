"""Indexes of what changed, is unread and is snoozed, built while others are written."""

from django.contrib.postgres.operations import AddIndexConcurrently, RemoveIndexConcurrently
from django.db import migrations, models
from django.db.models import Q


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("inbox", "0004_versions")]
    operations = [
        AddIndexConcurrently(
            "inboxitem", models.Index(fields=["recipient", "version"], name="inbox_changed")
        ),
        AddIndexConcurrently(
            "inboxitem",
            models.Index(
                fields=["snoozed_until"],
                condition=Q(snoozed_until__isnull=False),
                name="inbox_snoozed",
            ),
        ),
        AddIndexConcurrently(
            "inboxitem",
            models.Index(
                fields=["recipient", "expires_at"],
                include=["seen_at", "snoozed_until"],
                condition=Q(read_at__isnull=True),
                name="inbox_not_read",
            ),
        ),
        RemoveIndexConcurrently("inboxitem", "inbox_unread"),
    ]
