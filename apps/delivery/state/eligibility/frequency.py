"""Count what people were sent, and suppress what exceeds their frequency caps.

The statements of a claim that counts in this database, and of one that counts in Redis: see
``apps.delivery.flow.frequency_counts``.
"""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple

from django.db import connection

from apps.core import arrays
from apps.delivery.state import ordering
from apps.delivery.state.claiming import Claimed
from notifier.domain.states import DeliveryState

#: Advisory locks, by their two numbers. Every claim that counts shares the first one until it
#: commits, and the change of where to count has it alone; claims that count in this database have
#: the second one, one at a time.
_LOCKS = 7
_WHERE, _HERE = 1, 2

_READ = """
SELECT generation, in_redis, extract(epoch FROM clock_timestamp() - since)::float8
  FROM delivery_frequencycount
"""


class CountedWhere(NamedTuple):
    """The store in which notifications are counted now, and for how many seconds it has been."""

    generation: int
    in_redis: bool
    seconds: float


def where_counted(*, lock: bool) -> CountedWhere | None:
    """Return where notifications are counted, ``None`` before the first one.

    ``lock``: so that it stays so until the transaction ends. Two statements in one round trip: the
    second one reads what was committed while the first one waited.
    """
    with connection.cursor() as cursor:
        locked = f"SELECT pg_advisory_xact_lock_shared({_LOCKS}, {_WHERE});" if lock else ""
        cursor.execute(locked + _READ)
        row = cursor.fetchone()
    return CountedWhere._make(row) if row else None


def lock_where_counted() -> None:
    """Wait until no claim that counts is under way, and let none begin before the commit."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s, %s)", [_LOCKS, _WHERE])


def count_elsewhere(generation: int, *, in_redis: bool) -> None:
    """Write down where notifications are counted from now on; call ``lock_where_counted`` first."""
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO delivery_frequencycount AS c (id, generation, in_redis, since)"
            " VALUES (1, %s, %s, clock_timestamp()) ON CONFLICT (id) DO UPDATE"
            " SET generation = excluded.generation, in_redis = excluded.in_redis,"
            "     since = excluded.since",
            [generation, in_redis],
        )


def lock_counting() -> None:
    """Let one claim at a time count in this database, until its transaction ends."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s, %s)", [_LOCKS, _HERE])


# Time since each notification was last sent to a person, or may have been. What no preference can
# refuse is not counted, nor what has high priority: as in ``apps.delivery.sending.capping``. What
# this claim took up itself is left out, and so is what waits for the end of quiet hours or for its
# digest and was not attempted before. A digest counts once, and what it tells does not.
_COUNTED = """
SELECT d.recipient_id, d.notification_id::text, coalesce(nullif(n.category, ''), t.category, ''),
       extract(epoch FROM clock_timestamp() - max(d.at))::float8
  FROM (SELECT recipient_id, notification_id,
               CASE WHEN d.state = 'sending' THEN d.updated_at
                    ELSE coalesce((SELECT max(a.started_at) FROM delivery_attempt a
                                    WHERE a.delivery_id = d.id),
                                  CASE WHEN d.state <> 'retrying'
                                         OR d.reason NOT IN ('quiet_hours', 'digest')
                                       THEN d.updated_at END) END AS at
          FROM delivery_delivery d
         WHERE d.recipient_id = ANY(%(people)s::bigint[]) AND d.channel = %(channel)s
           AND d.updated_at > clock_timestamp() - make_interval(secs => %(seconds)s)
           AND d.state IN ('sending', 'retrying', 'accepted', 'delivered', 'bounced', 'unknown')
           AND d.priority <> 'high' AND d.chunk_id <> %(claim_id)s AND d.told_in IS NULL) d
  JOIN delivery_notification n ON n.id = d.notification_id
  LEFT JOIN topics_topic t ON t.id = n.topic_id
 WHERE n.kind IN ('published', 'digest') AND n.category_kind <> 'critical'
   AND (t.mandatory AND NOT n.other_category) IS NOT TRUE
   AND d.at > clock_timestamp() - make_interval(secs => %(seconds)s)
 GROUP BY 1, 2, 3
"""


def counted(
    channel: str, recipient_ids: Collection[int], seconds: float, claim_id: int
) -> Mapping[int, list[tuple[str, str, float]]]:
    """Return what these people were sent on a channel within so many seconds, by recipient id.

    Each is a notification's id, its category and how many seconds ago it was sent last: ages, since
    the clocks of the database and of Redis may differ.
    """
    found: dict[int, list[tuple[str, str, float]]] = defaultdict(list)
    with connection.cursor() as cursor:
        cursor.execute(
            _COUNTED,
            {
                "people": arrays.numbers(recipient_ids),
                "channel": channel,
                "seconds": seconds,
                "claim_id": claim_id,
            },
        )
        for recipient_id, notification_id, category, age in cursor.fetchall():
            found[recipient_id].append((notification_id, category, age))
    return found


_SUPPRESS = """
UPDATE delivery_delivery d
   SET state = s.state, reason = 'frequency_cap', refused_by = s.cap, next_attempt_at = NULL,
       updated_at = clock_timestamp()
  FROM unnest(%s::bigint[], %s::text[], %s::text[]) AS s (id, state, cap)
 WHERE d.id = s.id
"""


def suppress_exceeding(
    rows: Sequence[Claimed], exceeding: Mapping[int, str], *, ordered: bool
) -> list[Claimed]:
    """Suppress deliveries of a claim that exceed a cap, and return ``rows`` with their new states.

    ``exceeding``: the label of the cap, by delivery id. ``ordered``: some may be in front of
    others, which become due; the caller holds the locks of their lines.
    """
    ended = {
        row.delivery_id: DeliveryState.UNKNOWN if row.unanswered else DeliveryState.SUPPRESSED
        for row in rows
        if row.delivery_id in exceeding
    }
    with connection.cursor() as cursor:
        cursor.execute(
            _SUPPRESS,
            [
                arrays.numbers(ended),
                arrays.texts(ended.values()),
                arrays.texts(exceeding[delivery_id] for delivery_id in ended),
            ],
        )
    if ordered:
        ordering.release_next(list(ended))
    return [
        row._replace(state=ended[row.delivery_id]) if row.delivery_id in ended else row
        for row in rows
    ]


_GONE = """
SELECT d.id
  FROM delivery_delivery d
 WHERE d.id = ANY(%s)
   AND NOT EXISTS (SELECT FROM delivery_delivery o
                    WHERE o.recipient_id = d.recipient_id AND o.channel = d.channel
                      AND o.notification_id = d.notification_id
                      AND o.state IN ('sending', 'retrying', 'accepted', 'delivered', 'bounced',
                                      'unknown'))
"""


def nothing_sent(delivery_ids: Collection[int]) -> set[int]:
    """Return which of these failed deliveries' people got the notification at no address."""
    with connection.cursor() as cursor:
        cursor.execute(_GONE, [list(delivery_ids)])
        return {delivery_id for (delivery_id,) in cursor.fetchall()}
