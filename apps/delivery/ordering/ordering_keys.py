"""Lines: the notifications of one publisher under one ordering key on one channel, in order.

A line is identified by a number, the hash of publisher, key and channel. A delivery in it waits
only for those to the same recipient. A chunk's recipients are not known before its deliveries are
created, so a chunk waits until the deliveries of those before it exist (``ChunkTurn``, here); after
that each delivery waits for those before it to its own recipient (``Turn``, in
``apps.delivery.state.ordering``).

Reading or changing a line takes its lock until the transaction ends. The lock is taken after the
rows of chunks and notifications; rows that are needed under it and locked by others are skipped.
"""

import hashlib
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Protocol
from uuid import UUID

from django.db import connection, transaction

from apps.delivery.models import Chunk, ChunkKind, ChunkTurn, Notification
from apps.delivery.outbox import doorbells
from apps.delivery.outbox.queues import Queue

#: Seconds after which a waiting chunk is due anyway, should nothing have released it.
LOOK_AGAIN = 60.0
#: Advisory locks: the first key of those for lines and for acceptance, and how many there are of
#: each. A server has capacity for some thousands of locks, and the due deliveries of one claim may
#: be of a thousand lines.
LINE, ACCEPTANCE = 3, 4
LOCKS = 128


class Ordered(Protocol):
    """A notification, or the columns of one that lines are made of."""

    @property
    def publisher_id(self) -> int:
        """The id of its publisher."""

    @property
    def ordering_key(self) -> str:
        """The notification's ordering key; or empty."""

    @property
    def fallback_channel(self) -> str:
        """The notification's fallback channel; or empty."""


def line_of(notification: Ordered, channel: str) -> int:
    """Return the notification's line on the channel, 64 bits.

    Two lines with the same number only wait for each other. Fallbacks have a line of their own:
    they are due later, and would keep what is due at once on that channel waiting.
    """
    lane = "fallback" if channel == notification.fallback_channel else ""
    return _number(notification.publisher_id, notification.ordering_key, f"{channel}/{lane}")


def lock(lines: Iterable[int], kind: int = LINE) -> None:
    """Lock these lines until the transaction ends. ``kind``: ``LINE`` or ``ACCEPTANCE``."""
    locks = sorted({line % LOCKS for line in lines})
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_advisory_xact_lock(%s, lock) FROM unnest(%s::int[]) AS lock", [kind, locks]
        )


def serialize_acceptance(notifications: Sequence[Notification]) -> None:
    """Accept these one after the other with all others under their keys, until the commit.

    Call it before their chunks are stored: the ids of the chunks are the order of acceptance.
    """
    ordered = [_number(row.publisher_id, row.ordering_key, "") for row in notifications]
    if ordered:
        lock(ordered, ACCEPTANCE)


def add_chunks(notifications: Iterable[Notification], chunks: Iterable[Chunk]) -> None:
    """Add the chunks of accepted notifications to their lines."""
    by_id: dict[UUID | None, Notification] = {row.pk: row for row in notifications}
    if not by_id:
        return
    first: dict[object, int] = {}
    places = []
    for chunk in chunks:
        row = by_id.get(chunk.notification_id)
        if row is None or chunk.step:  # a fallback's steps are in no order
            continue
        position = first.setdefault(row.pk, chunk.pk)
        for channel in channels_of(row) if chunk.kind == ChunkKind.WHOLE else [chunk.channel]:
            places.append(
                ChunkTurn(chunk_id=chunk.pk, line=line_of(row, channel), position=position)
            )
    ChunkTurn.objects.bulk_create(places)


def channels_of(notification: Notification) -> list[str]:
    """Return every channel that it may be sent on, the fallback channel included."""
    fallback = [notification.fallback_channel] if notification.fallback_channel else []
    return [*notification.channels, *fallback]


def add_cut_chunks(whole_id: int, line: int, chunk_ids: Sequence[int]) -> None:
    """Give the chunks that were cut from a whole audience the position of that audience."""
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO delivery_chunkturn (chunk_id, line, position) "
            "SELECT cut.id, t.line, t.position FROM unnest(%s::bigint[]) AS cut (id), "
            "delivery_chunkturn t WHERE t.chunk_id = %s AND t.line = %s",
            [list(chunk_ids), whole_id, line],
        )


def must_wait(chunk_id: int) -> bool:
    """Return whether a chunk before this one has no deliveries yet. The caller holds the lock."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT 1 FROM delivery_chunkturn t WHERE t.chunk_id = %s AND EXISTS "
            "(SELECT FROM delivery_chunkturn b WHERE b.line = t.line AND b.position < t.position)",
            [chunk_id],
        )
        return cursor.fetchone() is not None


# Only chunks behind the one that left: those at its own position may wait for something else.
_CALL = """
UPDATE delivery_chunk SET due_at = clock_timestamp(), ready_at = clock_timestamp(), reason = ''
 WHERE id IN (
    SELECT c.id
      FROM unnest(%s::bigint[], %s::bigint[]) AS gone (line, position)
     CROSS JOIN LATERAL (SELECT min(position) AS position FROM delivery_chunkturn
                          WHERE line = gone.line) front
      JOIN delivery_chunkturn t ON t.line = gone.line AND t.position = front.position
      JOIN delivery_chunk c ON c.id = t.chunk_id
     WHERE front.position > gone.position AND c.kind <> 'whole'
       AND c.state = 'queued' AND c.reason = 'in_order' AND c.ready_at > clock_timestamp()
       FOR UPDATE OF c SKIP LOCKED)
RETURNING channel, priority
"""


def remove_chunks(chunk_ids: Sequence[int]) -> None:
    """Take these chunks out of their lines, and make those due that are at the front then.

    Takes the lines' locks.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT DISTINCT line FROM delivery_chunkturn WHERE chunk_id = ANY(%s)",
            [list(chunk_ids)],
        )
        lines = [line for (line,) in cursor.fetchall()]
        if not lines:
            return
        lock(lines)
        cursor.execute(
            "DELETE FROM delivery_chunkturn WHERE chunk_id = ANY(%s) RETURNING line, position",
            [list(chunk_ids)],
        )
        gone: Mapping[int, int] = dict(sorted(cursor.fetchall()))
        cursor.execute(_CALL, [list(gone), list(gone.values())])
        queues = {Queue(*row) for row in cursor.fetchall()}
    ring_after_commit(queues)


def ring_after_commit(queues: Collection[Queue]) -> None:
    """Ring for these queues after the commit."""
    if queues:
        transaction.on_commit(lambda: doorbells.ring(queues))


def _number(publisher_id: int, key: str, lane: str) -> int:
    named = f"{publisher_id}\n{lane}\n{key}".encode()
    return int.from_bytes(hashlib.sha256(named).digest()[:8], "big", signed=True)
