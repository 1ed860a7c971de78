"""The days of deliveries that wait: statements about them pass over all other partitions.

Where deliveries are partitioned by day (``manage.py partition``), PostgreSQL would plan an index
scan of each partition for every claim; nearly always only those of today and yesterday have any.
"""

import time
from datetime import date, timedelta

from django.db import connection

from apps.core import clock
from apps.delivery.outbox import partition_names
from notifier.domain.ids import days

#: Seconds for which the days are kept. What becomes due on another day is claimed so much later.
KEPT = 5.0
#: SQL that bounds nothing.
ALL = "true"

# By the range of a day, not the name of its partition, which may be dropped meanwhile.
_WAITS = """
SELECT {number} WHERE EXISTS (SELECT FROM delivery_delivery
                               WHERE next_attempt_at IS NOT NULL AND {ids})
"""


class _Known:
    """The condition that this process knows, and until when it uses it, in monotonic seconds."""

    condition = ALL
    until = 0.0


_known = _Known()


def condition() -> str:
    """Return the SQL of a bound on ``id`` within which all deliveries are that wait."""
    if time.monotonic() >= _known.until:
        _known.until = time.monotonic() + KEPT  # the other threads go on with what is known
        try:
            _known.condition = _condition()
        except BaseException:
            _known.until = 0.0
            raise
    return _known.condition


def forget() -> None:
    """Look anew at the next claim: the partitions have changed."""
    _known.condition, _known.until = ALL, 0.0


def _condition() -> str:
    with connection.cursor() as cursor:
        found = partition_names.of_days(cursor, "delivery_delivery")
        if not found:
            return ALL
        # Up to the next partition: rows of a day in between, whose own is gone, are in the rest.
        ends = [*found[1:], found[-1] + timedelta(days=1)]
        statements = [_WAITS.format(number="NULL", ids=_outside(found[0], ends[-1]))] + [
            _WAITS.format(number=number, ids=_between(begin, end))
            for number, (begin, end) in enumerate(zip(found, ends, strict=True))
        ]
        cursor.execute(" UNION ALL ".join(statements))
        numbers = [number for (number,) in cursor.fetchall()]
    if None in numbers:
        return ALL
    today = days.of_moment(clock.moment())
    begin = min([today, *(found[number] for number in numbers)])
    end = max([today + timedelta(days=2), *(ends[number] for number in numbers)])
    return _between(begin, end)


def _between(begin: date, end: date) -> str:
    return f"id >= {days.first_delivery(begin)} AND id < {days.first_delivery(end)}"


def _outside(begin: date, end: date) -> str:
    return f"(id < {days.first_delivery(begin)} OR id >= {days.first_delivery(end)})"
