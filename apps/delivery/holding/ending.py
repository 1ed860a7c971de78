"""End a hold: release what matches, or cancel it.

Rows are found in batches, in the order of their ids, each behind the one before.
"""

import math
import time
from collections.abc import Collection, Iterator
from typing import Any, NamedTuple
from uuid import UUID

from django.db import connection, transaction
from django.db.models import Count, Exists, OuterRef, QuerySet

from apps.delivery.holding import selection
from apps.delivery.holding.selection import Filter
from apps.delivery.models import Chunk, ChunkState, Delivery, Notification
from apps.delivery.ordering import ordering_keys
from apps.delivery.state import cancellation
from apps.delivery.state.deferral import DISTANCE
from notifier.domain.outcomes import Reason
from notifier.domain.states import WAITING

#: Rows that one transaction releases, and those of which the notifications are cancelled.
RELEASE_AT_ONCE, CANCEL_AT_ONCE = 5_000, 1_000

_RELEASE_CHUNKS = f"""
UPDATE delivery_chunk
   SET reason = '', due_at = held.until, ready_at = held.until
  FROM (SELECT c.id, greatest(c.due_at, clock_timestamp() + make_interval(
                                  secs => {DISTANCE.format("c")})) AS until
          FROM delivery_chunk c LEFT JOIN delivery_notification n ON n.id = c.notification_id
         WHERE c.id = ANY(%s) AND c.state = 'queued' AND c.reason = 'held'
         ORDER BY c.id FOR UPDATE OF c) held
 WHERE delivery_chunk.id = held.id
"""
# Apart from the join it is asked which are held: right after a hold the planner's statistics say
# that hardly any is, and it would join thousands with all that are held, one by one.
_LOCK_DELIVERIES = """
SELECT id FROM delivery_delivery
 WHERE id = ANY(%s) AND reason = 'held' AND next_attempt_at IS NOT NULL ORDER BY id FOR UPDATE
"""
# One that was tried already waits for its retry only: its turn had come.
_RELEASE_DELIVERIES = f"""
WITH released AS (
    DELETE FROM delivery_helddelivery WHERE delivery_id = ANY(%s)
    RETURNING delivery_id, notification_id, due_at, reason
)
UPDATE delivery_delivery d
   SET reason = r.reason,
       next_attempt_at = greatest(r.due_at, clock_timestamp() + make_interval(
           secs => CASE WHEN d.attempts = 0 THEN {DISTANCE.format("d")} ELSE 0 END))
  FROM released r JOIN delivery_notification n ON n.id = r.notification_id
 WHERE d.id = r.delivery_id AND d.id = ANY(%s)
"""
_DROP_CHUNKS = """
UPDATE delivery_chunk SET state = 'done', ready_at = least(ready_at, clock_timestamp())
 WHERE id = ANY(ARRAY(SELECT id FROM delivery_chunk
                       WHERE id = ANY(%s) AND state = 'queued' AND reason = 'held'
                       ORDER BY id FOR UPDATE))
"""
_FORGET = """
DELETE FROM delivery_helddelivery h USING delivery_delivery d
 WHERE d.{which} = ANY(%s) AND h.delivery_id = d.id
   AND (d.reason <> 'held' OR d.next_attempt_at IS NULL)
"""
_FORGET_ENDED = """
WITH next AS MATERIALIZED (
    SELECT delivery_id FROM delivery_helddelivery WHERE delivery_id > %s
     ORDER BY delivery_id LIMIT %s
), ended AS (
    DELETE FROM delivery_helddelivery h USING next
     WHERE h.delivery_id = next.delivery_id
       AND coalesce((SELECT d.reason <> 'held' OR d.next_attempt_at IS NULL
                       FROM delivery_delivery d WHERE d.id = h.delivery_id), true)
)
SELECT max(delivery_id) FROM next
"""


class Ended(NamedTuple):
    """Numbers of deliveries, and of chunks without deliveries yet, that were released or cancelled.

    ``more``: the time was over before all was done.
    """

    deliveries: int
    chunks: int
    more: bool = False


def release(wanted: Filter, longest: float = math.inf) -> Ended:
    """Make what matches due: when it was due before, or now where that is over.

    A fallback and its steps keep their distance to the first channels. What is due is judged as
    ever: cancelled, expired, refused or read meanwhile wins. ``longest``: seconds after which no
    further batch begins.
    """
    until = time.monotonic() + longest
    chunks = deliveries = 0
    for batch in _batches(selection.chunks(wanted), RELEASE_AT_ONCE, until):
        chunks += _execute(_RELEASE_CHUNKS, list(batch))
    for batch in _batches(selection.deliveries(wanted), RELEASE_AT_ONCE, until):
        deliveries += _release_deliveries(list(batch))
    return Ended(deliveries, chunks, time.monotonic() >= until)


def cancel(wanted: Filter, longest: float = math.inf) -> Ended:
    """Cancel what matches. ``longest``: seconds after which nothing further begins.

    A notification of which all that is open is held and matches is cancelled as by its publisher.
    Of another one the deliveries that match are cancelled; people on that channel whose deliveries
    were not made yet get none.
    """
    until = time.monotonic() + longest
    chunks = deliveries = 0
    for rows, drop in (
        (selection.chunks(wanted), _drop),
        (selection.deliveries(wanted), _cancel_deliveries),
    ):
        judged: set[UUID] = set()
        for batch in _batches(rows, CANCEL_AT_ONCE, until):
            # Those of the batch before are not judged again: large ones are in many batches.
            notifications = {one for one in batch.values() if one is not None}
            whole = _wholly(notifications - judged, wanted)
            judged = notifications
            chunks += _cancel_wholly(whole, until)
            deliveries += _execute(_FORGET.format(which="notification_id"), list(whole))
            if time.monotonic() < until:
                ended = drop(list(batch))
                chunks += ended.chunks
                deliveries += ended.deliveries
    return Ended(deliveries, chunks, time.monotonic() >= until)


def forget_ended() -> None:
    """Delete the records of deliveries that are not held any more: their publishers cancelled them.

    Until then they are counted as held.
    """
    after: int | None = 0
    with connection.cursor() as cursor:
        while after is not None:
            cursor.execute(_FORGET_ENDED, [after, RELEASE_AT_ONCE])
            [after] = cursor.fetchone()


@transaction.atomic
def _release_deliveries(ids: list[int]) -> int:
    with connection.cursor() as cursor:
        cursor.execute(_LOCK_DELIVERIES, [ids])
        held = [delivery_id for (delivery_id,) in cursor.fetchall()]
        cursor.execute(_RELEASE_DELIVERIES, [ids, held])
        return int(cursor.rowcount)


def _batches(rows: QuerySet[Any], most: int, until: float) -> Iterator[dict[int, UUID | None]]:
    """Yield the notifications of the rows by the rows' ids, so many at a time."""
    after = 0
    while time.monotonic() < until:
        found = rows.filter(pk__gt=after).order_by("pk").values_list("pk", "notification_id")
        batch = dict(found[:most])
        if not batch:
            return
        yield batch
        after = max(batch)


def _wholly(notification_ids: Collection[UUID], wanted: Filter) -> list[UUID]:
    """Return the notifications of which all that is open is held and matches.

    Of the criteria only the channel differs within a notification. Those that are cancelled
    already are none.
    """
    chunks = Chunk.objects.filter(notification=OuterRef("pk")).exclude(state=ChunkState.DONE)
    deliveries = Delivery.objects.filter(notification=OuterRef("pk"), state__in=WAITING)
    held: dict[str, Any] = {"reason": Reason.HELD}
    if wanted.channel is None:
        others = (chunks.exclude(**held), deliveries.exclude(**held))
    else:
        chunks = chunks.annotate(only_channel=selection.CHANNEL)
        others = (
            chunks.exclude(**held, only_channel=wanted.channel),
            deliveries.exclude(**held, channel=wanted.channel),
        )
    rows = Notification.objects.filter(pk__in=notification_ids, cancelled_at=None)
    for rest in others:
        rows = rows.filter(~Exists(rest))
    return list(rows.order_by("pk").values_list("pk", flat=True))


def _cancel_wholly(notification_ids: list[UUID], until: float) -> int:
    """Cancel notifications until the time is over; return how many chunks that has ended."""
    # Those that were being cut stay, and are found as what is left.
    held = selection.chunks(Filter()).filter(notification__in=notification_ids, fence=0)
    chunks = dict(held.values_list("notification_id").annotate(Count("pk")).order_by())
    ended = 0
    for notification_id in notification_ids:
        if time.monotonic() >= until:
            break
        if cancellation.cancel(notification_id):
            ended += chunks.get(notification_id, 0)
    return ended


def _cancel_deliveries(ids: list[int]) -> Ended:
    cancellation.cancel_deliveries(ids)
    return Ended(_execute(_FORGET.format(which="id"), ids), 0)


@transaction.atomic
def _drop(chunk_ids: list[int]) -> Ended:
    """Take chunks out of the outbox, and those behind them under an ordering key go on."""
    dropped = _execute(_DROP_CHUNKS, chunk_ids)
    ordering_keys.remove_chunks(chunk_ids)
    return Ended(0, dropped)


def _execute(statement: str, ids: list[Any]) -> int:
    with connection.cursor() as cursor:
        cursor.execute(statement, [ids])
        return int(cursor.rowcount)
