"""Take up the members of claimed digests."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple

from django.db import connection

from apps.delivery.state.digests import release
from notifier.domain.outcomes import Reason

#: Seconds after which a digest that is being joined is claimed again.
JOINED_WAIT = 1.0
#: Deliveries that the digests of one claim tell, about; the others are claimed next.
AT_ONCE = 20_000


class Told(NamedTuple):
    """A delivery that a digest tells."""

    delivery_id: int
    notification_id: str
    told_in: int


# Those that a lost worker had are sending no more: they wait, too (``following``).
_WAITING = """
SELECT id, notification_id::text, told_in FROM delivery_delivery
 WHERE told_in = ANY(%s::bigint[]) AND state IN ('retrying', 'sending') ORDER BY id FOR UPDATE
"""
_POSTPONE = """
UPDATE delivery_delivery
   SET state = 'retrying', reason = %s,
       next_attempt_at = clock_timestamp() + make_interval(secs => %s),
       updated_at = clock_timestamp()
 WHERE id = ANY(%s)
"""
_LEAVE = "UPDATE delivery_delivery SET told_in = NULL WHERE id = ANY(%s)"
_CANCEL = """
UPDATE delivery_delivery
   SET state = CASE WHEN id = ANY(%s) THEN 'unknown' ELSE 'cancelled' END, reason = %s,
       next_attempt_at = NULL, updated_at = clock_timestamp()
 WHERE id = ANY(%s)
"""


class Taken(NamedTuple):
    """The members of a claim's digests, by their digest's delivery; and digests that must wait."""

    told: Mapping[int, Sequence[Told]]
    postponed: Collection[int]


def take(delivery_ids: Sequence[int]) -> Taken:
    """Close these digests and lock what they tell, in the claim's transaction.

    Those that a claim is joining now wait ``JOINED_WAIT`` seconds, and the ones beyond ``AT_ONCE``
    deliveries are due again at once.
    """
    postponed = release.close_unlocked(delivery_ids)
    told: dict[int, list[Told]] = defaultdict(list)
    number = 0
    beyond = []
    with connection.cursor() as cursor:
        cursor.execute(_WAITING, [[one for one in delivery_ids if one not in postponed]])
        for row in map(Told._make, cursor.fetchall()):
            told[row.told_in].append(row)
        for delivery_id in delivery_ids:
            if number >= AT_ONCE and delivery_id in told:
                beyond.append(delivery_id)
                del told[delivery_id]
            number += len(told.get(delivery_id, ()))
        if postponed:
            cursor.execute(_POSTPONE, [Reason.DIGEST, JOINED_WAIT, list(postponed)])
        if beyond:
            cursor.execute(_POSTPONE, [Reason.DIGEST, 0.0, beyond])
    return Taken(told, {*postponed, *beyond})


def leave(delivery_ids: Collection[int]) -> None:
    """Take out of their digests what is not told: cancelled, expired, refused or held back."""
    if delivery_ids:
        with connection.cursor() as cursor:
            cursor.execute(_LEAVE, [list(delivery_ids)])


def cancel_empty(delivery_ids: Collection[int], unanswered: Collection[int]) -> None:
    """Cancel digests that have nothing left to tell.

    ``unanswered``: those that a provider may have of an earlier call.
    """
    if delivery_ids:
        with connection.cursor() as cursor:
            cursor.execute(_CANCEL, [list(unanswered), Reason.NOTHING_LEFT, list(delivery_ids)])
