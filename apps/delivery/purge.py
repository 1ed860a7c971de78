"""Dropping rows that have done their work."""

from datetime import timedelta

from django.conf import settings
from django.db import connection
from django.utils import timezone

AT_ONCE = 10_000


def purge() -> int:
    """Delete idempotency keys past their hours and done chunks a day old; how many rows.

    In batches, so that no statement holds many locks.
    """
    now = timezone.now()
    dropped = _in_batches(
        "DELETE FROM delivery_idempotencykey WHERE id IN "
        "(SELECT id FROM delivery_idempotencykey WHERE created_at < %s LIMIT %s)",
        now - timedelta(hours=settings.IDEMPOTENCY_HOURS),
    )
    dropped += _in_batches(
        "DELETE FROM delivery_chunk WHERE id IN "
        "(SELECT id FROM delivery_chunk WHERE state = 'done' AND ready_at < %s LIMIT %s)",
        now - timedelta(days=1),
    )
    return dropped


def _in_batches(statement: str, before: object) -> int:
    dropped = 0
    with connection.cursor() as cursor:
        while True:
            cursor.execute(statement, [before, AT_ONCE])
            dropped += cursor.rowcount
            if cursor.rowcount < AT_ONCE:
                return dropped
