"""Deliveries under an ordering key: which may be sent, which wait, which is next.

See ``apps.delivery.ordering.ordering_keys`` for lines and their locks.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from django.db import connection

from apps.delivery.ordering import ordering_keys
from apps.delivery.outbox.pending import LockedChunk
from apps.delivery.outbox.queues import Queue
from notifier.domain.outcomes import Reason
from notifier.domain.states import WAITING, DeliveryState

if TYPE_CHECKING:
    from apps.delivery.state.claiming import Claimed

#: Seconds after which a waiting delivery is due anyway, should nothing have released it.
LOOK_AGAIN = 600.0

_ADD = """
INSERT INTO delivery_turn (delivery_id, line, who, position)
SELECT d.id, t.line, coalesce(d.recipient_id, -d.contact_id), t.position
  FROM delivery_delivery d, delivery_chunkturn t
 WHERE d.id = ANY(%s) AND t.chunk_id = %s
"""
# Behind one that waits for quiet hours it waits as long, and no longer than until it expires.
_DEFER = """
UPDATE delivery_delivery d
   SET state = 'retrying', reason = %(reason)s, updated_at = clock_timestamp(),
       next_attempt_at = greatest(
           clock_timestamp() + make_interval(secs => %(again)s),
           CASE WHEN behind.quiet_until IS NOT NULL
                THEN least(behind.quiet_until, n.expires_at) END)
  FROM (SELECT t.delivery_id,
               (SELECT max(f.next_attempt_at)
                  FROM delivery_turn b JOIN delivery_delivery f ON f.id = b.delivery_id
                 WHERE b.line = t.line AND b.who = t.who AND b.position = front.position
                   AND f.state = 'retrying' AND f.reason = %(quiet)s) AS quiet_until
          FROM delivery_turn t
         CROSS JOIN LATERAL (SELECT min(position) AS position FROM delivery_turn
                              WHERE line = t.line AND who = t.who) front
         WHERE t.delivery_id = ANY(%(sending)s) AND front.position < t.position) behind,
       delivery_notification n
 WHERE d.id = behind.delivery_id AND n.id = d.notification_id
RETURNING d.id
"""


def hold_back(chunk: LockedChunk | None, rows: Sequence["Claimed"]) -> list["Claimed"]:
    """Defer those of a claim's deliveries that are not at the front of their line.

    Returns ``rows`` with their new states. New deliveries take the place of their ``chunk``, and
    those that will not be sent leave the line. The caller holds the locks of the lines.
    """
    created = [row.delivery_id for row in rows if row.state_before is None and row.state in WAITING]
    sending = [row.delivery_id for row in rows if row.state == DeliveryState.SENDING]
    with connection.cursor() as cursor:
        if chunk is not None:
            if created:
                cursor.execute(_ADD, [created, chunk.id])
            ordering_keys.remove_chunks([chunk.id])
        cursor.execute(
            _DEFER,
            {
                "reason": Reason.IN_ORDER,
                "again": LOOK_AGAIN,
                "quiet": Reason.QUIET_HOURS,
                "sending": sending,
            },
        )
        waiting = {delivery_id for (delivery_id,) in cursor.fetchall()}
    release_next(
        [
            row.delivery_id
            for row in rows
            if row.state_before is not None and row.state not in WAITING
        ]
    )
    return [
        row._replace(state=DeliveryState.RETRYING) if row.delivery_id in waiting else row
        for row in rows
    ]


_NEXT = """
SELECT d.id, d.channel, d.priority
  FROM (SELECT DISTINCT line, who FROM unnest(%s::bigint[], %s::bigint[]) AS e (line, who)) gone
 CROSS JOIN LATERAL (SELECT min(position) AS position FROM delivery_turn
                      WHERE line = gone.line AND who = gone.who) front
  JOIN delivery_turn t ON t.line = gone.line AND t.who = gone.who AND t.position = front.position
  JOIN delivery_delivery d ON d.id = t.delivery_id
 WHERE d.state = 'retrying' AND d.reason = %s AND d.next_attempt_at IS NOT NULL
   FOR UPDATE OF d SKIP LOCKED
"""
_RELEASE = """
UPDATE delivery_delivery SET next_attempt_at = clock_timestamp() WHERE id = ANY(%s)
"""


def release_next(delivery_ids: Sequence[int]) -> None:
    """Take these deliveries out of their lines, and make the next ones due.

    For deliveries that were sent or will not be; those without an ordering key are ignored. Takes
    the lines' locks, so call it before rows of counts are locked.
    """
    if not delivery_ids:
        return
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT DISTINCT line FROM delivery_turn WHERE delivery_id = ANY(%s)",
            [list(delivery_ids)],
        )
        locked = [line for (line,) in cursor.fetchall()]
        if not locked:
            return
        ordering_keys.lock(locked)
        cursor.execute(
            "DELETE FROM delivery_turn WHERE delivery_id = ANY(%s) RETURNING line, who",
            [list(delivery_ids)],
        )
        gone = cursor.fetchall()
        cursor.execute(
            _NEXT, [[line for line, _ in gone], [who for _, who in gone], Reason.IN_ORDER]
        )
        following = cursor.fetchall()
        cursor.execute(_RELEASE, [[delivery_id for delivery_id, _, _ in following]])
    ordering_keys.ring_after_commit(
        {Queue(channel, priority) for _, channel, priority in following}
    )
