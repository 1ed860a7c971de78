"""Retention: delete old records of runs."""

from datetime import timedelta

from django.conf import settings

from apps.core import clock, old_rows

# Ids grow with time, so the oldest rows are found without an index on it.
_PURGE = """
WITH oldest AS (SELECT id, at FROM schedules_run ORDER BY id LIMIT %(most)s)
DELETE FROM schedules_run r USING oldest o WHERE r.id = o.id AND o.at < %(before)s
"""


def purge() -> int:
    """Delete records older than ``SCHEDULE_RUN_DAYS``; return how many."""
    return old_rows.delete(_PURGE, clock.moment() - timedelta(days=settings.SCHEDULE_RUN_DAYS))
