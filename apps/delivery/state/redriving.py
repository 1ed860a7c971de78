"""Redrive dead letters, release what waits, and make dead letters of lost addresses' deliveries."""

from collections import Counter
from collections.abc import Sequence

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


_MAKE_DEAD = """
WITH lost AS (
    SELECT id, state FROM delivery_delivery
     WHERE id = ANY(%s) AND state IN ('failed', 'bounced') ORDER BY id FOR UPDATE SKIP LOCKED
)
UPDATE delivery_delivery d
   SET state = 'dead', reason = %s, next_attempt_at = NULL, updated_at = clock_timestamp()
  FROM lost WHERE d.id = lost.id
RETURNING d.id, d.notification_id, d.channel, lost.state
"""


def make_dead_letters(delivery_ids: Sequence[int]) -> int:
    """Make dead letters of those that failed or bounced; return how many that were.

    For deliveries that were given up for their address, once that is not believed any more: dead
    letters can be redriven. Skips deliveries that another transaction has locked. Runs in the
    caller's transaction.
    """
    if not delivery_ids:
        return 0
    with connection.cursor() as cursor:
        cursor.execute(_MAKE_DEAD, [list(delivery_ids), Reason.MANY_DEAD_ADDRESSES.value])
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
