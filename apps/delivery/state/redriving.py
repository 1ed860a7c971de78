"""Redrive dead letters, release what waits, and make dead letters of lost addresses' deliveries."""

from collections import Counter
from collections.abc import Collection, Sequence

from django.db import connection

from apps.delivery.state import counts
from apps.delivery.state.digests import following
from apps.delivery.state.recording import BURY
from apps.delivery.state.signals import deliveries_moved
from notifier.domain.outcomes import Reason
from notifier.domain.states import DeliveryState

# Locks deliveries before their dead letters, in the order in which receipts are applied, and skips
# those that are locked.
_REDRIVE = """
WITH dead AS (
    SELECT id FROM delivery_delivery
     WHERE id = ANY(%s) AND state = 'dead' ORDER BY id FOR UPDATE SKIP LOCKED
), raised AS (
    DELETE FROM delivery_deadletter l USING dead WHERE l.delivery_id = dead.id
    RETURNING l.delivery_id
)
UPDATE delivery_delivery d
   SET state = 'retrying', attempts_uncounted = d.attempts,
       next_attempt_at = clock_timestamp(), updated_at = clock_timestamp()
  FROM raised WHERE d.id = raised.delivery_id
RETURNING d.id, d.notification_id, d.channel
"""


def redrive(delivery_ids: Sequence[int]) -> list[int]:
    """Make these dead letters due again, and return the ids of those that still were dead letters.

    Skips deliveries that another transaction has locked. Runs in the caller's transaction.
    """
    with connection.cursor() as cursor:
        cursor.execute(_REDRIVE, [list(delivery_ids)])
        rows = cursor.fetchall()
    moves: counts.Moves = Counter()
    for _, notification_id, channel in rows:
        moves[notification_id, channel, DeliveryState.RETRYING] += 1
        moves[notification_id, channel, DeliveryState.DEAD] -= 1
    followed = following.follow([row[0] for row in rows])
    deliveries_moved.send(None, moves=following.signals(followed))
    moves.update(following.moves(followed))
    counts.add(moves)
    return [row[0] for row in rows]


_RELEASE = """
UPDATE delivery_delivery
   SET next_attempt_at = clock_timestamp(), updated_at = clock_timestamp()
 WHERE id = ANY(%s) AND state = 'retrying' AND next_attempt_at > clock_timestamp()
RETURNING id, publisher_id
"""


def release(delivery_ids: Sequence[int]) -> dict[int, int]:
    """Make these due now that wait for another attempt; return the publisher of each, by id.

    Their retry policy goes on where it was. The caller has locked them.
    """
    with connection.cursor() as cursor:
        cursor.execute(_RELEASE, [list(delivery_ids)])
        return dict(cursor.fetchall())


_LOCK = "SELECT id FROM delivery_delivery WHERE id = ANY(%s) ORDER BY id FOR UPDATE SKIP LOCKED"
_THERE = "SELECT id FROM delivery_delivery WHERE id = ANY(%s)"


def lock_free(delivery_ids: Collection[int]) -> set[int]:
    """Lock these deliveries, but for those that another transaction has locked: return these."""
    ids = list(delivery_ids)
    with connection.cursor() as cursor:
        cursor.execute(_LOCK, [ids])
        locked = {delivery_id for (delivery_id,) in cursor.fetchall()}
        cursor.execute(_THERE, [ids])
        return {delivery_id for (delivery_id,) in cursor.fetchall()} - locked


# A replay takes the place of what it sends again: of all deliveries to one person in a notification
# and its replays, at most the last is a dead letter, and none where another may have arrived or is
# still to be made. What is left out can be replayed, as before.
_MAKE_DEAD = """
WITH lost AS MATERIALIZED (
    SELECT d.id, d.state, d.notification_id, d.recipient_id, d.contact_id,
           coalesce(n.replay_of, n.id) AS first
      FROM delivery_delivery d JOIN delivery_notification n ON n.id = d.notification_id
     WHERE d.id = ANY(%(ids)s) AND d.state IN ('failed', 'bounced')
), kin AS MATERIALIZED (
    SELECT lost.*, f.id AS other
      FROM lost CROSS JOIN LATERAL (
               SELECT lost.first AS id
                UNION ALL
               SELECT id FROM delivery_notification WHERE replay_of = lost.first) f
     WHERE f.id <> lost.notification_id
), resent AS MATERIALIZED (
    SELECT id FROM kin
     WHERE EXISTS (SELECT FROM delivery_chunk c
                    WHERE c.notification_id = kin.other AND c.state <> 'done')
        OR EXISTS (SELECT FROM delivery_delivery o
                    WHERE o.notification_id = kin.other
                      AND (o.recipient_id = kin.recipient_id
                           OR kin.recipient_id IS NULL AND o.contact_id = kin.contact_id)
                      AND o.state NOT IN ('suppressed', 'expired', 'cancelled')
                      AND (o.state NOT IN ('failed', 'bounced') OR o.id > kin.id))
)
UPDATE delivery_delivery d
   SET state = 'dead', reason = %(reason)s, next_attempt_at = NULL, updated_at = clock_timestamp()
  FROM lost WHERE d.id = lost.id AND NOT EXISTS (SELECT FROM resent WHERE resent.id = lost.id)
RETURNING d.id, d.notification_id, d.channel, lost.state
"""


def make_dead_letters(delivery_ids: Sequence[int]) -> int:
    """Make dead letters of those that failed or bounced; return how many that were.

    For deliveries that were given up for their address, once that is not believed any more: dead
    letters can be redriven. Leaves out what a replay has sent again, or is sending. The caller has
    locked them.
    """
    if not delivery_ids:
        return 0
    with connection.cursor() as cursor:
        cursor.execute(
            _MAKE_DEAD, {"ids": list(delivery_ids), "reason": Reason.MANY_DEAD_ADDRESSES.value}
        )
        rows = cursor.fetchall()
        cursor.execute(BURY, [[row[0] for row in rows]])
    followed = following.follow([row[0] for row in rows])
    deliveries_moved.send(
        None,
        moves=[(row[0], DeliveryState.DEAD) for row in rows] + following.signals(followed),
    )
    moves: counts.Moves = Counter()
    for _, notification_id, channel, before in rows:
        moves[notification_id, channel, DeliveryState.DEAD] += 1
        moves[notification_id, channel, before] -= 1
    moves.update(following.moves(followed))
    counts.add(moves)
    return len(rows)
