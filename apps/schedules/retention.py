"""Retention: delete records of runs, the old ones and those of a schedule that goes."""

from datetime import timedelta

from django.conf import settings
from django.db import connection

from apps.core import clock, old_rows
from apps.schedules.models import Schedule

# Ids grow with time, so the oldest rows are found without an index on it.
_PURGE = """
WITH oldest AS (SELECT id, at FROM schedules_run ORDER BY id LIMIT %(most)s)
DELETE FROM schedules_run r USING oldest o WHERE r.id = o.id AND o.at < %(before)s
"""
_DELETE = """
DELETE FROM schedules_run WHERE id = ANY(ARRAY(
    SELECT id FROM schedules_run WHERE schedule_id = %s ORDER BY id DESC LIMIT %s))
"""


def purge() -> int:
    """Delete records older than ``SCHEDULE_RUN_DAYS``; return how many."""
    return old_rows.delete(_PURGE, clock.moment() - timedelta(days=settings.SCHEDULE_RUN_DAYS))


def delete_runs(schedule: Schedule) -> bool:
    """Delete some records of a schedule's runs; return whether there may be more."""
    with connection.cursor() as cursor:
        cursor.execute(_DELETE, [schedule.pk, old_rows.AT_ONCE])
        return bool(cursor.rowcount == old_rows.AT_ONCE)
