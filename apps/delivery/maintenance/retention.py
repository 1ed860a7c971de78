"""Retention: delete rows that are no longer needed, apart from notifications."""

from datetime import timedelta

from django.conf import settings

from apps.core import clock, old_rows
from apps.delivery.maintenance import rollup
from apps.delivery.receipts import processing
from apps.operators import log_in_limits
from apps.preferences import audit_trail
from apps.publishers import audit, daily_quota
from apps.topics.confirmation import requests

#: Retention of counts of attempts by the minute.
MINUTES_KEPT = timedelta(days=2)

_CHUNKS = """
DELETE FROM delivery_chunk WHERE id IN
    (SELECT id FROM delivery_chunk WHERE state = 'done' AND ready_at < %(before)s LIMIT %(most)s)
"""
_MINUTE_COUNTS = """
DELETE FROM delivery_minutecount WHERE (minute, channel, provider, outcome, reason, slot) IN
    (SELECT minute, channel, provider, outcome, reason, slot FROM delivery_minutecount
      WHERE minute < %(before)s LIMIT %(most)s)
"""
_DEDUPLICATION = """
DELETE FROM delivery_deduplication WHERE id IN
    (SELECT id FROM delivery_deduplication WHERE until < %(before)s LIMIT %(most)s)
"""
# Ids grow with time, so the oldest rows are found without an index on it.
_IDEMPOTENCY_KEYS = """
WITH oldest AS (
    SELECT id, created_at FROM delivery_idempotencykey ORDER BY id LIMIT %(most)s
)
DELETE FROM delivery_idempotencykey k USING oldest o
 WHERE k.id = o.id AND o.created_at < %(before)s
"""
_RECEIPTS = """
WITH oldest AS (SELECT id, received_at, read_at FROM delivery_receipt ORDER BY id LIMIT %(most)s)
DELETE FROM delivery_receipt r USING oldest o
 WHERE r.id = o.id AND o.received_at < %(before)s AND o.read_at IS NOT NULL
"""
_REPLIES = """
WITH oldest AS (SELECT id, received_at FROM delivery_reply ORDER BY id LIMIT %(most)s)
DELETE FROM delivery_reply r USING oldest o WHERE r.id = o.id AND o.received_at < %(before)s
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
#: Functions by which other apps delete their old rows.
_OTHERS = (daily_quota.purge, requests.purge, audit.purge, audit_trail.purge, log_in_limits.purge)


def purge() -> int:
    """Delete rows past their retention, in all apps, and roll up old counts.

    Returns how many rows went. Inbox items, runs of schedules and notifications have tasks of their
    own.
    """
    kept = {
        _IDEMPOTENCY_KEYS: timedelta(hours=settings.IDEMPOTENCY_HOURS),
        _CHUNKS: timedelta(days=1),
        _MINUTE_COUNTS: MINUTES_KEPT,
        _RECEIPTS: processing.KEPT,
        _REPLIES: timedelta(days=settings.AUDIT_DAYS),
        _DEDUPLICATION: timedelta(hours=1),
        _LOST_CHUNKS: timedelta(0),
        _LOST_TURNS: timedelta(0),
    }
    rolled_up = rollup.roll_up()  # before minutes go that are not added up yet
    now = clock.moment()
    deleted = sum(old_rows.delete(statement, now - age) for statement, age in kept.items())
    deleted += sum(purge() for purge in _OTHERS)
    return deleted + rolled_up
