"""Retention: delete rows that are no longer needed."""

from datetime import datetime, timedelta

from django.conf import settings
from django.db import connection

from apps.core import clock
from apps.delivery.maintenance import rollup
from apps.delivery.receipts import processing
from apps.operators import log_in_limits
from apps.topics.confirmation import requests

#: Most rows that one statement deletes.
AT_ONCE = 10_000
#: How long counts of attempts by the minute are kept.
MINUTES_KEPT = timedelta(days=2)

_IDEMPOTENCY_KEYS = """
DELETE FROM delivery_idempotencykey WHERE id IN
    (SELECT id FROM delivery_idempotencykey WHERE created_at < %(before)s LIMIT %(most)s)
"""
_CHUNKS = """
DELETE FROM delivery_chunk WHERE id IN
    (SELECT id FROM delivery_chunk WHERE state = 'done' AND ready_at < %(before)s LIMIT %(most)s)
"""
_MINUTE_COUNTS = """
DELETE FROM delivery_minutecount WHERE (minute, channel, provider, outcome, reason, slot) IN
    (SELECT minute, channel, provider, outcome, reason, slot FROM delivery_minutecount
      WHERE minute < %(before)s LIMIT %(most)s)
"""
_USAGE = """
DELETE FROM publishers_daycount WHERE (publisher_id, day, slot) IN
    (SELECT publisher_id, day, slot FROM publishers_daycount WHERE day < %(before)s LIMIT %(most)s)
"""
_DEDUPLICATION = """
DELETE FROM delivery_deduplication WHERE id IN
    (SELECT id FROM delivery_deduplication WHERE until < %(before)s LIMIT %(most)s)
"""
# Of the following tables the ids grow with time, so the oldest rows are found without an index on
# their time.
_CONFIRMATIONS_SENT = """
WITH oldest AS (SELECT id, sent_at FROM topics_confirmationsent ORDER BY id LIMIT %(most)s)
DELETE FROM topics_confirmationsent c USING oldest o
 WHERE c.id = o.id AND o.sent_at < %(before)s
"""
_RECEIPTS = """
WITH oldest AS (SELECT id, received_at, read_at FROM delivery_receipt ORDER BY id LIMIT %(most)s)
DELETE FROM delivery_receipt r USING oldest o
 WHERE r.id = o.id AND o.received_at < %(before)s AND o.read_at IS NOT NULL
"""
_AUDIT_EVENTS = """
WITH oldest AS (SELECT id, at FROM publishers_auditevent ORDER BY id LIMIT %(most)s)
DELETE FROM publishers_auditevent e USING oldest o WHERE e.id = o.id AND o.at < %(before)s
"""
_DIRECTORY_CHANGES = """
WITH oldest AS (SELECT id, at FROM preferences_directorychange ORDER BY id LIMIT %(most)s)
DELETE FROM preferences_directorychange c USING oldest o WHERE c.id = o.id AND o.at < %(before)s
"""
# A place in a line is deleted with the chunk or delivery that it belongs to. One that was left
# behind all the same would keep those behind it waiting for ever.
_LOST_CHUNKS = """
DELETE FROM delivery_chunkturn WHERE (chunk_id, line) IN
    (SELECT t.chunk_id, t.line FROM delivery_chunkturn t
       LEFT JOIN delivery_chunk c ON c.id = t.chunk_id
      WHERE c.id IS NULL OR c.state = 'done' LIMIT %(most)s)
"""
_LOST_TURNS = """
DELETE FROM delivery_turn WHERE delivery_id IN
    (SELECT t.delivery_id FROM delivery_turn t
       LEFT JOIN delivery_delivery d ON d.id = t.delivery_id
      WHERE d.id IS NULL OR d.state NOT IN ('queued', 'sending', 'retrying') LIMIT %(most)s)
"""


def purge() -> int:
    """Delete rows past their retention and roll up old counts; return how many rows went.

    In batches, so that no statement holds many locks.
    """
    audit = timedelta(days=settings.AUDIT_DAYS)
    kept = {
        _IDEMPOTENCY_KEYS: timedelta(hours=settings.IDEMPOTENCY_HOURS),
        _CHUNKS: timedelta(days=1),
        _MINUTE_COUNTS: MINUTES_KEPT,
        _USAGE: timedelta(days=settings.STATISTICS_DAYS),
        _CONFIRMATIONS_SENT: requests.DAY,
        _RECEIPTS: processing.KEPT,
        _DEDUPLICATION: timedelta(hours=1),
        _LOST_CHUNKS: timedelta(0),
        _LOST_TURNS: timedelta(0),
        _AUDIT_EVENTS: audit,
        _DIRECTORY_CHANGES: audit,
    }
    now = clock.moment()
    deleted = sum(_delete(statement, now - age) for statement, age in kept.items())
    return deleted + log_in_limits.purge() + rollup.roll_up()


def _delete(statement: str, before: datetime) -> int:
    """Execute the statement until it finds fewer than ``AT_ONCE`` rows; return how many went."""
    deleted: int = 0
    with connection.cursor() as cursor:
        while True:
            cursor.execute(statement, {"before": before, "most": AT_ONCE})
            deleted += cursor.rowcount
            if cursor.rowcount < AT_ONCE:
                return deleted
