"""Move what a digest tells along with the delivery that tells it."""

from collections import Counter
from collections.abc import Callable, Collection, Iterable
from typing import NamedTuple
from uuid import UUID

from django.db import connection

from apps.delivery.state import counts
from apps.delivery.state.digests import release
from notifier.domain.outcomes import Reason


class Followed(NamedTuple):
    """A delivery that was moved: from which state into which."""

    delivery_id: int
    notification_id: UUID
    channel: str
    before: str
    after: str


# A delivery that has ended unsent stays as it ended. One that waits goes on waiting for the digest,
# and has no time of its own. It keeps the digest as its reason for as long, and has that one's
# reason once it is over.
_FOLLOW = """
WITH told AS (
    SELECT d.id, d.state AS before, t.state AS after, t.provider,
           CASE WHEN t.state IN ('sending', 'retrying') THEN %(digest)s ELSE t.reason END AS reason
      FROM delivery_delivery d JOIN delivery_delivery t ON t.id = d.told_in
     WHERE d.told_in = ANY(%(ids)s::bigint[]) AND d.state <> t.state
       AND d.state NOT IN ('suppressed', 'expired', 'cancelled')
     ORDER BY d.id FOR UPDATE OF d
)
UPDATE delivery_delivery d
   SET state = told.after, reason = told.reason, provider = told.provider, next_attempt_at = NULL,
       updated_at = clock_timestamp()
  FROM told WHERE d.id = told.id
RETURNING d.id, d.notification_id, d.channel, told.before, told.after
"""


def follow(delivery_ids: Collection[int], *, ended: bool = False) -> list[Followed]:
    """Give what these deliveries tell their states; return what was moved.

    For the deliveries of digests that have moved; others are ignored. ``ended``: they were not
    sent, so that nothing may join them any more. Runs in the caller's transaction, which counts and
    signals what is returned.
    """
    ids = list(delivery_ids)
    if not ids:
        return []
    if ended:
        release.close(ids)
    with connection.cursor() as cursor:
        cursor.execute(_FOLLOW, {"ids": ids, "digest": Reason.DIGEST})
        return [Followed._make(row) for row in cursor.fetchall()]


def moves(
    followed: Iterable[Followed], key: Callable[[UUID], UUID | str] = lambda id: id
) -> counts.Moves:
    """Return what moved, to be counted under the same ``key`` of a notification as others."""
    found: counts.Moves = Counter()
    for one in followed:
        found[key(one.notification_id), one.channel, one.after] += 1
        found[key(one.notification_id), one.channel, one.before] -= 1
    return found


def signals(followed: Iterable[Followed]) -> list[tuple[int, str]]:
    """Return what moved, for ``apps.delivery.state.signals.deliveries_moved``."""
    return [(one.delivery_id, one.after) for one in followed]
