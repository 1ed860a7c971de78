"""Roll-up of old counts, so that statistics add up few rows however long the service has run.

The slots of an hour that is over become one row; after ``HOURS_KEPT`` the hours of a day become its
first; after ``STATISTICS_DAYS`` everything is added to the first hour of 1970. Nothing is lost:
over all hours, ``HourCount`` adds up to the number of deliveries in each state now.
"""

from datetime import datetime, timedelta

from django.conf import settings
from django.db import connection, transaction

from apps.core import clock
from apps.delivery.state.counts import SLOTS

#: Age of an hour's start from which no transaction writes to its counts any more.
HOUR_SETTLES = timedelta(hours=2)
#: Retention of counts by the hour.
HOURS_KEPT = timedelta(days=31)


#: The slot says how far a row is rolled up: ``SLOTS`` live ones, then an hour, a day, all before.
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
