"""Move deliveries by the receipts that their providers report later."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from uuid import UUID

from django.db import connection

from apps.delivery.ordering import ordering_keys
from apps.delivery.state import counts, ordering
from apps.delivery.state.digests import following
from apps.delivery.state.recording import BURY
from apps.delivery.state.signals import deliveries_moved
from notifier.domain.states import WAITING, DeliveryState
from notifier.receipts import is_about

#: States of a delivery whose last message a provider took.
TAKEN = frozenset({DeliveryState.ACCEPTED, DeliveryState.DELIVERED, DeliveryState.BOUNCED})
_STATUS = """
SELECT d.id, d.state, d.notification_id, d.channel, d.provider, d.provider_message_id,
       d.contact_id,
       ARRAY(SELECT a.provider FROM delivery_attempt a
              WHERE a.delivery_id = d.id AND a.outcome = 'unknown')
  FROM delivery_delivery d
 WHERE d.id = ANY(%s)"""


@dataclass(frozen=True, slots=True)
class DeliveryStatus:
    """A delivery's state; locked until the commit if ``lock_statuses`` returned it.

    ``message_id``: the provider's id of its last message; empty where it gave none.
    """

    id: int
    state: str
    notification_id: UUID
    channel: str
    provider: str
    message_id: str
    contact_id: int | None
    #: The provider of each call that went unanswered, which may have taken a message. An empty name
    #: where the worker was lost before it recorded which provider it called.
    unanswered: Sequence[str]

    def took(self, provider: str, message_id: str) -> bool:
        """Return whether this is the last message, and the provider accepted it."""
        if provider != self.provider:
            return False
        if self.message_id:
            return is_about(message_id, self.message_id)
        return self.state in TAKEN  # the provider gave no id

    def may_have(self, provider: str) -> bool:
        """Return whether the provider may have taken a message in a call that got no answer."""
        return provider in self.unanswered or "" in self.unanswered

    def was_sent_as(self, provider: str, message_id: str) -> bool:
        """Return whether this message is the one that the delivery's state is about."""
        if self.message_id:
            return self.took(provider, message_id)
        return len(self.unanswered) <= 1


def lock_statuses(delivery_ids: Iterable[int]) -> dict[int, DeliveryStatus]:
    """Lock these deliveries and return their statuses by id; skip those that are locked.

    Waiting for a worker that is recording them could deadlock: it locks many, in its own order.
    Their lines are locked first, as a claim does, because ``apply_receipts`` takes deliveries out
    of lines.
    """
    ids = list(delivery_ids)
    if not ids:
        return {}
    with connection.cursor() as cursor:
        cursor.execute("SELECT DISTINCT line FROM delivery_turn WHERE delivery_id = ANY(%s)", [ids])
        ordered = [line for (line,) in cursor.fetchall()]
        if ordered:
            ordering_keys.lock(ordered)
        cursor.execute(
            # A delivery created since the query above may be in a line that is not locked.
            f"""{_STATUS}
               AND NOT EXISTS (SELECT FROM delivery_turn t
                                WHERE t.delivery_id = d.id AND t.line <> ALL(%s::bigint[]))
               FOR UPDATE SKIP LOCKED
            """,
            [ids, ordered],
        )
        return {row[0]: DeliveryStatus(*row) for row in cursor.fetchall()}


def read_statuses(delivery_ids: Iterable[int]) -> dict[int, DeliveryStatus]:
    """Return the statuses of these deliveries by id, as last committed, without locking them."""
    ids = list(delivery_ids)
    if not ids:
        return {}
    with connection.cursor() as cursor:
        cursor.execute(_STATUS, [ids])
        return {row[0]: DeliveryStatus(*row) for row in cursor.fetchall()}


_SETTLE = """
UPDATE delivery_delivery d
   SET state = r.state, reason = r.reason, next_attempt_at = NULL, updated_at = clock_timestamp()
  FROM unnest(%s::bigint[], %s::text[], %s::text[]) AS r (id, state, reason)
 WHERE d.id = r.id
"""


def apply_receipts(moves: Sequence[tuple[DeliveryStatus, DeliveryState, str]]) -> None:
    """Move deliveries that ``lock_statuses`` returned: each to a state, for a reason.

    Runs in the caller's transaction.
    """
    if not moves:
        return
    with connection.cursor() as cursor:
        cursor.execute(
            _SETTLE,
            [
                [status.id for status, _, _ in moves],
                [state for _, state, _ in moves],
                [reason for _, _, reason in moves],
            ],
        )
    if buried := [one.id for one, state, _ in moves if state == DeliveryState.DEAD]:
        with connection.cursor() as cursor:
            cursor.execute(BURY, [buried])
    if dead := [one.id for one, _, _ in moves if one.state == DeliveryState.DEAD]:
        with connection.cursor() as cursor:
            cursor.execute("DELETE FROM delivery_deadletter WHERE delivery_id = ANY(%s)", [dead])
    ordering.release_next(
        [one.id for one, state, _ in moves if one.state in WAITING and state not in WAITING]
    )
    followed = following.follow([one.id for one, _, _ in moves])
    deliveries_moved.send(
        None,
        moves=[(status.id, state) for status, state, _ in moves] + following.signals(followed),
    )
    changes: counts.Moves = Counter()
    for status, state, _ in moves:
        changes[status.notification_id, status.channel, state] += 1
        changes[status.notification_id, status.channel, status.state] -= 1
    changes.update(following.moves(followed))
    counts.add(changes)
    counts.add_arrivals(
        (status.channel, status.provider)
        for status, state, _ in moves
        if state == DeliveryState.DELIVERED
    )
