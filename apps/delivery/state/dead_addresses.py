"""Make dead letters of what was given up for its address, once that is not believed any more."""

from collections import Counter
from collections.abc import Sequence

from django.db import connection

from apps.delivery.state import counts
from apps.delivery.state.recording import BURY
from apps.delivery.state.signals import deliveries_moved
from notifier.domain.outcomes import Reason
from notifier.domain.states import DeliveryState

_DOUBT = """
WITH lost AS (
    SELECT id, state FROM delivery_delivery
     WHERE id = ANY(%s) AND state IN ('failed', 'bounced') ORDER BY id FOR UPDATE SKIP LOCKED
)
UPDATE delivery_delivery d
   SET state = 'dead', reason = %s, next_attempt_at = NULL, updated_at = clock_timestamp()
  FROM lost WHERE d.id = lost.id
RETURNING d.id, d.notification_id, d.channel, lost.state
"""


def doubt(delivery_ids: Sequence[int]) -> int:
    """Make dead letters of those that failed or bounced, to be redriven; how many there were.

    Without those that somebody else is moving just now. Runs in the caller's transaction.
    """
    if not delivery_ids:
        return 0
    with connection.cursor() as cursor:
        cursor.execute(_DOUBT, [list(delivery_ids), Reason.MANY_DEAD_ADDRESSES.value])
        rows = cursor.fetchall()
        cursor.execute(BURY, [[row[0] for row in rows]])
    deliveries_moved.send(None, moves=[(row[0], DeliveryState.DEAD) for row in rows])
    moves: Counter = Counter()
    for _, notification_id, channel, before in rows:
        moves[notification_id, channel, DeliveryState.DEAD] += 1
        moves[notification_id, channel, before] -= 1
    counts.add(moves)
    return len(rows)
