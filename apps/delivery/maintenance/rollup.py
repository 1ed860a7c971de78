"""Roll-up of old counts, so that statistics add up few rows however long the service has run.

The slots of an hour that is over become one row; after ``HOURS_KEPT`` the hours of a day become its
first; after ``STATISTICS_DAYS`` everything is added to the first hour of 1970. Nothing is lost:
over all hours, ``HourCount`` adds up to the number of deliveries in each state now.

The slots of a notification's counts become one row once it is ``STATES_SETTLE`` old, and again when
its content goes, by when all that waited for long has moved. What moves later has a slot of its own
beside it, and both are added up as ever.

Attempts by the minute are added up over spans of five minutes and of an hour (``SpanCount``), for
charts of longer ranges.
"""

import time
from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from django.conf import settings
from django.db import connection, transaction

from apps.core import arrays, clock, old_rows
from apps.delivery.models import RetentionMark, StateCount
from apps.delivery.monitoring import attempts
from apps.delivery.state.counts import SLOTS
from notifier.domain.histograms import BUCKETS

#: Age of an hour's start from which no transaction writes to its counts any more.
HOUR_SETTLES = timedelta(hours=2)
#: Retention of counts by the hour.
HOURS_KEPT = timedelta(days=31)
#: Retention of attempts by the length of their spans in seconds, shortest first.
SPANS_KEPT = {attempts.FIVE_MINUTES: timedelta(days=2), attempts.HOUR: timedelta(days=35)}
#: Age of a notification from which its counts are moved by few: retries and receipts.
STATES_SETTLE = timedelta(hours=2)
#: Notifications whose counts one transaction rolls up: attempts wait half a second for it at most.
NOTIFICATIONS_AT_ONCE = 100
#: Seconds after which rolling these up ends; the next run goes on there.
LONGEST = 60.0
#: Age of a minute from which nothing is counted in it any more: a statement takes at most one.
MINUTE_SETTLES = timedelta(minutes=5)
#: The name of the mark up to which notifications' counts are rolled up.
MARK = "counts"

#: The slot says how far a row is rolled up: ``SLOTS`` live ones, then an hour, a day, all before.
#: Of a notification's counts, -1 is the last one.
_LIVE, _HOUR, _DAY, _BEGINNING = list(range(SLOTS)), -1, -2, -3


def roll_up() -> int:
    """Roll up what is old enough; return how many rows were added to others."""
    now = clock.moment()
    return (
        _roll_up(_LIVE, now - HOUR_SETTLES, "hour", _HOUR)
        + _roll_up([_HOUR], now - HOURS_KEPT, "date_trunc('day', hour, 'UTC')", _DAY)
        + _roll_up(
            [_DAY],
            now - timedelta(days=settings.STATISTICS_DAYS),
            "'epoch'::timestamptz",
            _BEGINNING,
        )
        + _add_up_minutes(now)
        + _roll_up_states(now - STATES_SETTLE)
    )


def _roll_up(slots: list[int], before: datetime, into: str, slot: int) -> int:
    """Roll up the rows in ``slots``, an hour in each transaction, oldest first."""
    rolled_up = 0
    while True:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(_OLDEST, [slots, before])
            [hour] = cursor.fetchone()
            if hour is None:
                return rolled_up
            cursor.execute(_ROLL_UP.format(into=into), [slots, hour, slot])
            rolled_up += cursor.fetchone()[0]


def _roll_up_states(before: datetime) -> int:
    """Roll up the counts of notifications accepted before, behind those of the last run."""
    end, rolled_up = UUID(int=int(before.timestamp() * 1000) << 80), 0
    until = time.monotonic() + LONGEST
    while True:
        mark = RetentionMark.objects.filter(pk=MARK).first()
        begin = UUID(int=0) if mark is None else mark.up_to
        rows = StateCount.objects.filter(notification_id__gt=begin, notification_id__lt=end)
        ids = rows.order_by("notification_id").values_list("notification_id", flat=True).distinct()
        found = list(ids[:NOTIFICATIONS_AT_ONCE])
        if not found:
            return rolled_up
        rolled_up += roll_up_states(found)
        RetentionMark.objects.update_or_create(pk=MARK, defaults={"up_to": found[-1]})
        if time.monotonic() > until:
            return rolled_up


@transaction.atomic
def roll_up_states(notification_ids: Sequence[UUID]) -> int:
    """Add up the slots of these notifications' counts; return how many rows were added to others.

    What moves meanwhile waits, and is counted in a slot that is new then.
    """
    with connection.cursor() as cursor:
        cursor.execute(_ROLL_UP_STATES, [arrays.uuids(notification_ids)])
        return int(cursor.fetchone()[0])


def _add_up_minutes(now: datetime) -> int:
    """Add up minutes over spans that are over, delete old spans; return how many rows went."""
    deleted = 0
    for seconds, kept in SPANS_KEPT.items():
        with connection.cursor() as cursor:
            cursor.execute(_ADD_UP, {"seconds": seconds, "settles": MINUTE_SETTLES.total_seconds()})
        deleted += old_rows.delete(_OLD_SPANS.format(seconds=seconds), now - kept)
    return deleted


# One index probe per slot.
_OLDEST = """
SELECT min(oldest.hour) FROM unnest(%s::smallint[]) AS folded (slot)
 CROSS JOIN LATERAL (SELECT h.hour FROM delivery_hourcount h
                      WHERE h.slot = folded.slot AND h.hour < %s
                      ORDER BY h.hour LIMIT 1) oldest
"""
_ROLL_UP = """
WITH old AS (
    DELETE FROM delivery_hourcount WHERE slot = ANY(%s) AND hour = %s RETURNING *
), folded AS (
    INSERT INTO delivery_hourcount (publisher_id, topic_id, hour, channel, state, slot, count)
    SELECT publisher_id, topic_id, {into}, channel, state, %s, sum(count)
      FROM old GROUP BY 1, 2, 3, 4, 5 ORDER BY 1, 2, 3, 4, 5
    ON CONFLICT (publisher_id, topic_id, hour, channel, state, slot)
    DO UPDATE SET count = delivery_hourcount.count + excluded.count
)
SELECT count(*) FROM old
"""
# Rows are locked in the order in which moves lock them.
_ROLL_UP_STATES = f"""
WITH spread AS (
    SELECT notification_id, channel, state FROM delivery_statecount
     WHERE notification_id = ANY(%s::uuid[]) GROUP BY 1, 2, 3 HAVING count(*) > 1
), live AS MATERIALIZED (
    SELECT s.notification_id, s.channel, s.state, s.slot
      FROM delivery_statecount s JOIN spread USING (notification_id, channel, state)
     WHERE s.slot >= 0 ORDER BY 1, 2, 3, 4 FOR UPDATE OF s
), old AS (
    DELETE FROM delivery_statecount s USING live l
     WHERE s.notification_id = l.notification_id AND s.channel = l.channel
       AND s.state = l.state AND s.slot = l.slot
    RETURNING s.*
), folded AS (
    INSERT INTO delivery_statecount (notification_id, channel, state, slot, count)
    SELECT notification_id, channel, state, {_HOUR}, sum(count)
      FROM old GROUP BY 1, 2, 3 ORDER BY 1, 2, 3
    ON CONFLICT (notification_id, channel, state, slot)
    DO UPDATE SET count = delivery_statecount.count + excluded.count
)
SELECT count(*) FROM old
"""
# From the end of the last span on, by the clock that minutes are counted by. Where two do it at
# once, the second finds its rows there.
_ADD_UP = f"""
WITH counted AS (
    SELECT date_bin(make_interval(secs => %(seconds)s), minute, 'epoch') AS since, channel,
           provider, outcome, reason, count, delivered, latencies
      FROM delivery_minutecount
     WHERE minute >= coalesce((SELECT max(since) + make_interval(secs => %(seconds)s)
                                 FROM delivery_spancount WHERE seconds = %(seconds)s), '-infinity')
       AND minute < date_bin(make_interval(secs => %(seconds)s),
                             clock_timestamp() - make_interval(secs => %(settles)s), 'epoch')
), span AS (
    SELECT since, channel, provider,
           coalesce(sum(count) FILTER (WHERE outcome = 'accepted'), 0) AS accepted,
           coalesce(sum(count) FILTER (WHERE outcome <> 'accepted'), 0) AS failed,
           sum(delivered) AS delivered,
           CASE WHEN max(cardinality(latencies)) > {BUCKETS}
                THEN {attempts.DURATIONS} || {attempts.WAITS} ELSE {attempts.DURATIONS}
           END AS latencies
      FROM counted GROUP BY 1, 2, 3
), failure AS (
    SELECT since, channel, provider, jsonb_object_agg(reason, number) AS reasons
      FROM (SELECT since, channel, provider, reason, sum(count) AS number
              FROM counted WHERE outcome <> 'accepted' GROUP BY 1, 2, 3, 4) AS by_reason
     GROUP BY 1, 2, 3
)
INSERT INTO delivery_spancount (seconds, since, channel, provider, accepted, failed, delivered,
                                reasons, latencies)
SELECT %(seconds)s, since, channel, provider, accepted, failed, delivered,
       coalesce(reasons, '{{}}'), latencies
  FROM span LEFT JOIN failure USING (since, channel, provider)
ON CONFLICT DO NOTHING
"""
_OLD_SPANS = """
DELETE FROM delivery_spancount WHERE (seconds, since, channel, provider) IN
    (SELECT seconds, since, channel, provider FROM delivery_spancount
      WHERE seconds = {seconds} AND since < %(before)s LIMIT %(most)s)
"""
