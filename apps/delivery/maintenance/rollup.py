"""Making old counts coarser, so that there is little to add up however long the service has run.

An hour that is over has its slots folded into one row; after ``HOURS_KEPT`` the hours of a day
are folded into its first; after ``STATISTICS_DAYS`` everything is folded into
the first hour of 1970.
Nothing is dropped: over all hours, ``HourCount`` adds up to what is in a state now.
"""

from datetime import datetime, timedelta

from django.conf import settings
from django.db import connection, transaction

from apps.core import clock
from apps.delivery.state.counts import SLOTS

#: When nobody writes to an hour any more.
HOUR_SETTLES = timedelta(hours=2)
HOURS_KEPT = timedelta(days=31)


#: The slot tells how far a row is folded: SLOTS live ones, an hour's, a day's, the beginning's.
_LIVE, _HOUR, _DAY, _BEGINNING = list(range(SLOTS)), -1, -2, -3


def roll_up() -> int:
    """Fold what is old enough; how many rows were folded into others."""
    now = clock.moment()
    return (
        _fold(_LIVE, now - HOUR_SETTLES, "hour", _HOUR)
        + _fold([_HOUR], now - HOURS_KEPT, "date_trunc('day', hour, 'UTC')", _DAY)
        + _fold(
            [_DAY],
            now - timedelta(days=settings.STATISTICS_DAYS),
            "'epoch'::timestamptz",
            _BEGINNING,
        )
    )


def _fold(slots: list[int], before: datetime, into: str, slot: int) -> int:
    """Fold the rows in ``slots``, an hour in each transaction, oldest first."""
    folded = 0
    while True:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(_OLDEST, [slots, before])
            [hour] = cursor.fetchone()
            if hour is None:
                return folded
            cursor.execute(_FOLD.format(into=into), [slots, hour, slot])
            folded += cursor.fetchone()[0]


# A probe of the index for each slot.
_OLDEST = """
SELECT min(oldest.hour) FROM unnest(%s::smallint[]) AS folded (slot)
 CROSS JOIN LATERAL (SELECT h.hour FROM delivery_hourcount h
                      WHERE h.slot = folded.slot AND h.hour < %s
                      ORDER BY h.hour LIMIT 1) oldest
"""
_FOLD = """
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
