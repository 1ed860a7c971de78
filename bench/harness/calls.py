"""Times at which calls for a notification's deliveries began, as attempts on record say."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from stack.errors import StackError

_OF_NOTIFICATION = """
SELECT floor(extract(epoch FROM a.started_at))::bigint AS second, count(*),
       min(extract(epoch FROM a.started_at))::float8, max(extract(epoch FROM a.started_at))::float8
  FROM delivery_delivery d JOIN delivery_attempt a ON a.delivery_id = d.id
 WHERE d.notification_id = %s GROUP BY 1 ORDER BY 1
"""
_BY_ZONE = """
SELECT r.time_zone, count(*), min(extract(epoch FROM a.started_at))::float8,
       max(extract(epoch FROM a.started_at))::float8
  FROM delivery_delivery d
  JOIN preferences_recipient r ON r.id = d.recipient_id
  JOIN delivery_attempt a ON a.delivery_id = d.id
 WHERE d.notification_id = %s GROUP BY 1
"""


@dataclass(frozen=True, slots=True)
class Calls:
    """So ``many`` calls to providers; when the ``first`` and the ``last`` began, in unix seconds.

    ``by_second``: how many began in each second of the first one's on.
    """

    many: int
    first: float
    last: float
    by_second: tuple[int, ...] = ()

    @property
    def rate(self) -> float:
        """Calls per second, from the first to the last."""
        return (self.many - 1) / (self.last - self.first)


def of(cursor: Any, notification: str) -> Calls:
    """Return the calls for a notification. Raises ``StackError`` where there were not even two."""
    cursor.execute(_OF_NOTIFICATION, [notification])
    rows = cursor.fetchall()
    many = sum(number for _, number, _, _ in rows)
    if many < 2:
        raise StackError(f"there were {many} calls for {notification}")
    seconds = {second: number for second, number, _, _ in rows}
    whole = range(rows[0][0], rows[-1][0] + 1)
    return Calls(
        many,
        min(first for _, _, first, _ in rows),
        max(last for _, _, _, last in rows),
        tuple(seconds.get(second, 0) for second in whole),
    )


def by_zone(cursor: Any, notification: str) -> Mapping[str, Calls]:
    """Return the calls for a notification by the time zone of its recipients."""
    cursor.execute(_BY_ZONE, [notification])
    return {zone: Calls(many, first, last) for zone, many, first, last in cursor.fetchall()}
