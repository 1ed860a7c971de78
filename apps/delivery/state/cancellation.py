"""Cancel a notification, or all that waits for a person: it is not sent any more.

``sending.cancellation`` stops what a worker holds already.
"""

from collections.abc import Collection, Mapping, Sequence
from typing import Any
from uuid import UUID

from django.db import connection, transaction

from apps.delivery.models import Notification
from apps.delivery.ordering import ordering_keys
from apps.delivery.state import counts, ordering
from apps.delivery.state.digests import following
from apps.delivery.state.digests.following import Followed
from apps.delivery.state.signals import deliveries_moved
from notifier.domain.states import WAITING, DeliveryState

#: Most waiting deliveries that a cancel moves itself; the rest are cancelled when they are due.
CANCEL_AT_ONCE = 10_000
#: SQL: the deliveries of a person, with and without a recipient. Each part has an index.
OF_PERSON = """
(recipient_id = %(recipient_id)s
 OR (recipient_id IS NULL AND contact_id = ANY(%(contact_ids)s::bigint[])))
"""
# Retention finds chunks by ``ready_at``: what was to wait until its release would stay for good.
_END_CHUNKS = (
    "UPDATE delivery_chunk SET state = 'done', ready_at = least(ready_at, clock_timestamp())"
)
_CANCEL = """
WITH waiting AS (
    SELECT id, state FROM delivery_delivery
     WHERE {which} AND state IN ('queued', 'retrying')
     LIMIT %(most)s FOR UPDATE
)
UPDATE delivery_delivery d
   SET state = CASE WHEN EXISTS (SELECT FROM delivery_attempt a
                                  WHERE a.delivery_id = coalesce(d.told_in, d.id)
                                    AND a.outcome = 'unknown')
                    -- An earlier call went unanswered: nobody can take it back.
                    THEN 'unknown' ELSE 'cancelled' END,
       -- What is cancelled has left its digest.
       told_in = NULL, next_attempt_at = NULL, updated_at = clock_timestamp()
  FROM waiting w WHERE d.id = w.id
RETURNING d.id, d.notification_id, d.channel, w.state, d.state
"""


def cancel(notification_id: UUID) -> bool:
    """Cancel what has not been sent; return whether there was something, not cancelled before.

    Waits for claims that are committing, so that a delivery that is not sending when this returns
    is never sent. Waiting deliveries beyond ``CANCEL_AT_ONCE`` become cancelled when they are due.
    """
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(
            # A notification that is done stays as it ended. The counts say whether it is, where it
            # may have many deliveries.
            "UPDATE delivery_notification n SET cancelled_at = clock_timestamp() "
            "WHERE id = %(id)s AND cancelled_at IS NULL AND (EXISTS ("
            "SELECT FROM delivery_chunk c WHERE c.notification_id = n.id AND c.state <> 'done') "
            "OR CASE WHEN n.counts_kept THEN (SELECT sum(count) FROM delivery_statecount s "
            "WHERE s.notification_id = n.id AND s.state = ANY(%(open)s)) > 0 "
            "ELSE EXISTS (SELECT FROM delivery_delivery d "
            "WHERE d.notification_id = n.id AND d.state = ANY(%(open)s)) END)",
            # Dead ones may be redriven.
            {"id": notification_id, "open": [*WAITING, DeliveryState.DEAD]},
        )
        if cursor.rowcount != 1:
            return False
        # A claim waits for no row that is locked here. Where it has a chunk already, this waits for
        # it and finds its deliveries; else it skips the chunk and sees the cancel. Fan-out waits
        # for the notification's row, so the chunk that it is cutting is skipped.
        cursor.execute(
            f"{_END_CHUNKS} WHERE id = ANY(ARRAY("
            "SELECT id FROM delivery_chunk WHERE notification_id = %s AND state = 'queued' "
            "AND fence = 0 AND kind <> 'whole' ORDER BY id FOR UPDATE))",
            [notification_id],
        )
        cursor.execute(
            f"{_END_CHUNKS} WHERE id = ANY(ARRAY("
            "SELECT id FROM delivery_chunk WHERE notification_id = %s AND state = 'queued' "
            "AND fence = 0 AND kind = 'whole' FOR UPDATE SKIP LOCKED))",
            [notification_id],
        )
        rows = _cancel_waiting("notification_id = %(id)s", {"id": notification_id})
        _leave_lines(notification_id, [row.delivery_id for row in rows])
        _report(rows)
    return True


@transaction.atomic
def cancel_person(recipient_id: int, contact_ids: Collection[int]) -> int:
    """Cancel what waits for a person, of whatever notifications; return how many deliveries.

    Those to the recipient, and to these contacts where they have none; at most ``CANCEL_AT_ONCE``.
    """
    person: dict[str, Any] = {"recipient_id": recipient_id, "contact_ids": list(contact_ids)}
    rows = _cancel_waiting(OF_PERSON, person)
    ordering.release_next([row.delivery_id for row in rows])
    _report(rows)
    return len(rows)


@transaction.atomic
def cancel_deliveries(delivery_ids: Sequence[int]) -> int:
    """Cancel these where they wait; return how many did. At most ``CANCEL_AT_ONCE``."""
    rows = _cancel_waiting("id = ANY(%(ids)s::bigint[])", {"ids": list(delivery_ids)})
    ordering.release_next([row.delivery_id for row in rows])
    _report(rows)
    return len(rows)


def _cancel_waiting(which: str, parameters: Mapping[str, Any]) -> list[Followed]:
    with connection.cursor() as cursor:
        cursor.execute(_CANCEL.format(which=which), {**parameters, "most": CANCEL_AT_ONCE})
        return [Followed._make(row) for row in cursor.fetchall()]


def _report(rows: Sequence[Followed]) -> None:
    """Move what these deliveries told along with them; count and signal all of it."""
    followed = following.follow([row.delivery_id for row in rows], ended=True)
    moved = [*rows, *followed]
    deliveries_moved.send(None, moves=following.signals(moved))
    counts.add(following.moves(moved))


def _leave_lines(notification_id: UUID, delivery_ids: Sequence[int]) -> None:
    """Take what was cancelled out of its lines, so that those behind go on."""
    row = Notification.objects.defer("content").get(pk=notification_id)
    if not row.ordering_key:
        return
    ordering_keys.lock(
        ordering_keys.line_of(row, channel) for channel in ordering_keys.channels_of(row)
    )
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT t.chunk_id FROM delivery_chunkturn t JOIN delivery_chunk c "
            "ON c.id = t.chunk_id WHERE c.notification_id = %s AND c.state = 'done'",
            [notification_id],
        )
        ordering_keys.remove_chunks([chunk_id for (chunk_id,) in cursor.fetchall()])
    ordering.release_next(delivery_ids)
