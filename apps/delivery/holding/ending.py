"""End a hold: release what matches, or cancel it."""

import math
import time
from typing import Any, NamedTuple
from uuid import UUID

from django.db import connection, transaction
from django.db.models import QuerySet

from apps.delivery.holding import selection
from apps.delivery.holding.selection import Filter
from apps.delivery.models import HeldDelivery
from apps.delivery.ordering import ordering_keys
from apps.delivery.state import cancellation

#: Rows that one transaction releases or cancels.
AT_ONCE = 5_000

_RELEASE_CHUNKS = """
UPDATE delivery_chunk
   SET reason = '', ready_at = greatest(due_at, clock_timestamp())
 WHERE id = ANY(ARRAY(SELECT id FROM delivery_chunk
                       WHERE id = ANY(%s) AND state = 'queued' AND reason = 'held'
                       ORDER BY id FOR UPDATE))
"""
_RELEASE_DELIVERIES = """
WITH released AS (
    DELETE FROM delivery_helddelivery WHERE delivery_id = ANY(%s)
    RETURNING delivery_id, due_at, reason
)
UPDATE delivery_delivery d
   SET reason = r.reason, next_attempt_at = greatest(r.due_at, clock_timestamp())
  FROM released r
 WHERE d.id = r.delivery_id AND d.reason = 'held' AND d.next_attempt_at IS NOT NULL
"""
_DROP_CHUNKS = """
UPDATE delivery_chunk SET state = 'done'
 WHERE id = ANY(ARRAY(SELECT id FROM delivery_chunk
                       WHERE id = ANY(%s) AND state = 'queued' AND reason = 'held'
                       ORDER BY id FOR UPDATE))
"""


class Ended(NamedTuple):
    """What was released or cancelled: deliveries, and chunks whose deliveries are not made yet.

    ``more``: the time was over before all was done.
    """

    deliveries: int
    chunks: int
    more: bool = False


def release(wanted: Filter, longest: float = math.inf) -> Ended:
    """Make what matches due: when it was due before, or now where that is over.

    It is judged as whatever is due again: cancelled, expired, refused or read meanwhile wins.
    ``longest``: seconds after which no further batch begins.
    """
    until = time.monotonic() + longest
    chunks = deliveries = 0
    while time.monotonic() < until and (ids := _ids(selection.chunks(wanted))):
        chunks += _execute(_RELEASE_CHUNKS, ids)
    while time.monotonic() < until and (ids := _ids(selection.deliveries(wanted))):
        deliveries += _execute(_RELEASE_DELIVERIES, ids)
    return Ended(deliveries, chunks, time.monotonic() >= until)


def cancel(wanted: Filter, longest: float = math.inf) -> Ended:
    """Cancel what matches. ``longest``: seconds after which no further batch begins.

    A notification of which all that is held matches is cancelled as by its publisher. Of another
    one the deliveries that match are cancelled; people on that channel whose deliveries were not
    made yet get none.
    """
    until = time.monotonic() + longest
    before = _count(wanted)
    for notification_id in _wholly(wanted):
        if time.monotonic() >= until:
            break
        cancellation.cancel(notification_id)
    else:
        while time.monotonic() < until and (ids := _ids(selection.chunks(wanted))):
            _drop(ids)
        while time.monotonic() < until and (ids := _ids(selection.deliveries(wanted))):
            cancellation.cancel_deliveries(ids)
    _forget_ended()
    left = _count(wanted)
    return Ended(before.deliveries - left.deliveries, before.chunks - left.chunks, any(left))


def _count(wanted: Filter) -> Ended:
    return Ended(selection.deliveries(wanted).count(), selection.chunks(wanted).count())


def _wholly(wanted: Filter) -> set[UUID]:
    """Return the notifications of which all that is held matches."""
    found = _notifications(wanted)
    if wanted.channel is None:
        return found
    for all_held, matching in (
        (selection.chunks(Filter()), selection.chunks(wanted)),
        (selection.deliveries(Filter()), selection.deliveries(wanted)),
    ):
        found -= _beside(all_held.filter(notification__in=found), matching)
    return found


def _beside(rows: QuerySet[Any], matching: QuerySet[Any]) -> set[UUID]:
    others = rows.exclude(pk__in=matching.values("pk"))
    return set(others.values_list("notification_id", flat=True))


def _notifications(wanted: Filter) -> set[UUID]:
    return {
        notification_id
        for rows in (selection.chunks(wanted), selection.deliveries(wanted))
        for notification_id in rows.values_list("notification_id", flat=True).distinct()
    }


def _ids(rows: QuerySet[Any]) -> list[int]:
    return list(rows.order_by("pk").values_list("pk", flat=True)[:AT_ONCE])


def _execute(statement: str, ids: list[int]) -> int:
    with connection.cursor() as cursor:
        cursor.execute(statement, [ids])
        return int(cursor.rowcount)


@transaction.atomic
def _drop(chunk_ids: list[int]) -> None:
    """Take chunks out of the outbox, and those behind them under an ordering key go on."""
    _execute(_DROP_CHUNKS, chunk_ids)
    ordering_keys.remove_chunks(chunk_ids)


def _forget_ended() -> None:
    """Delete the records of deliveries that are not held any more."""
    held = selection.deliveries(Filter()).values("pk")
    HeldDelivery.objects.exclude(delivery_id__in=held).delete()
