"""Pending work of a queue: which publishers have some, and locking rows of it for a claim."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple
from uuid import UUID

from django.db import connection

from apps.core import arrays
from apps.delivery.models import ChunkKind
from apps.delivery.outbox import partition_bounds
from apps.delivery.outbox.queues import Queue

# One index probe per publisher, however many rows each has waiting.
_OF_CHUNKS = """
SELECT publisher_id FROM delivery_chunk
 WHERE state = 'queued' AND priority = %(priority)s AND channel = %(channel)s {more}
 ORDER BY publisher_id LIMIT 1
"""
_OF_DELIVERIES = """
SELECT publisher_id FROM delivery_delivery
 WHERE next_attempt_at IS NOT NULL AND priority = %(priority)s AND channel = %(channel)s {more}
   AND {{days}}
 ORDER BY publisher_id LIMIT 1
"""
_SIZE = """coalesce(nullif(size, 0), cardinality(recipient_ids), cardinality(contact_ids),
                    %(size)s)"""
_MORE = "AND publisher_id > p.publisher_id"
_PUBLISHERS = f"""
WITH RECURSIVE new AS (
    ({_OF_CHUNKS.format(more="")})
    UNION ALL
    SELECT ({_OF_CHUNKS.format(more=_MORE)}) FROM new p WHERE p.publisher_id IS NOT NULL
), due AS (
    ({_OF_DELIVERIES.format(more="")})
    UNION ALL
    SELECT ({_OF_DELIVERIES.format(more=_MORE)}) FROM due p WHERE p.publisher_id IS NOT NULL
)
SELECT publisher_id, max(new), bool_or(due)
  FROM (SELECT new.publisher_id, greatest(1, oldest.size) AS new, false AS due
          FROM new
         CROSS JOIN LATERAL (
            SELECT {_SIZE} AS size FROM delivery_chunk
             WHERE state = 'queued' AND priority = %(priority)s AND channel = %(channel)s
               AND publisher_id = new.publisher_id AND ready_at <= statement_timestamp()
             ORDER BY ready_at LIMIT 1) oldest
        UNION ALL
        SELECT publisher_id, 0, true FROM due
         WHERE EXISTS (SELECT FROM delivery_delivery d
                        WHERE d.priority = %(priority)s AND d.channel = %(channel)s
                          AND d.publisher_id = due.publisher_id
                          AND d.next_attempt_at <= statement_timestamp() AND {{days}})) found
 GROUP BY publisher_id
"""
# As many chunks as fit into the share if all are as large as the first.
_CHUNKS = f"""
SELECT c.*
  FROM unnest(%(publishers)s::bigint[], %(shares)s::int[]) AS p (publisher_id, share)
 CROSS JOIN LATERAL (
    SELECT id, kind, notification_id, publisher_id, low_id, high_id, member_ids, recipient_ids,
           contact_ids,
           {_SIZE} AS size,
           fence, step
      FROM delivery_chunk
     WHERE state = 'queued' AND priority = %(priority)s AND channel = %(channel)s
       AND publisher_id = p.publisher_id AND ready_at <= statement_timestamp()
       AND kind <> 'retry'
     ORDER BY ready_at
     LIMIT greatest(1, p.share / greatest(1, (
               SELECT size FROM delivery_chunk
                WHERE state = 'queued' AND priority = %(priority)s AND channel = %(channel)s
                  AND publisher_id = p.publisher_id AND ready_at <= statement_timestamp()
                ORDER BY ready_at LIMIT 1)))
       FOR UPDATE SKIP LOCKED) c
"""
_DUE = """
SELECT d.id, d.notification_id::text, p.publisher_id
  FROM unnest(%(publishers)s::bigint[], %(shares)s::int[]) AS p (publisher_id, share)
 CROSS JOIN LATERAL (
    SELECT id, notification_id FROM delivery_delivery
     WHERE priority = %(priority)s AND channel = %(channel)s AND publisher_id = p.publisher_id
       AND next_attempt_at <= statement_timestamp() AND {days}
     ORDER BY next_attempt_at LIMIT p.share
       FOR UPDATE SKIP LOCKED) d
"""


class PublisherWork(NamedTuple):
    """A publisher with work in a queue.

    ``new``: the number of recipients of its oldest ready chunk, 0 if it has none. ``due``: it has
    due deliveries.
    """

    publisher_id: int
    new: int
    due: bool


class LockedChunk(NamedTuple):
    """A chunk that is locked, to become deliveries in this transaction.

    Of kind ``range`` it has ``low_id`` and ``high_id``, of kind ``members`` nothing, else one of
    the lists of ids. Where it was cut from an audience (``cut``), ``member_ids`` are of
    subscriptions or memberships.
    """

    id: int
    kind: str
    notification_id: UUID
    publisher_id: int
    low_id: int | None
    high_id: int | None
    member_ids: list[int] | None
    recipient_ids: list[int] | None
    contact_ids: list[int] | None
    #: The number of its recipients or contacts.
    size: int
    #: Above 0 where a worker of the version before had claimed it.
    fence: int
    #: The step of the notification's fallback; 0 for the first channels.
    step: int = 0

    @property
    def cut(self) -> bool:
        """True if fan-out cut it from the audience of a topic or group."""
        return self.kind in (ChunkKind.RANGE, ChunkKind.MEMBERS) or self.member_ids is not None


class DueDelivery(NamedTuple):
    """A delivery that is due again, locked."""

    delivery_id: int
    notification_id: str
    publisher_id: int


def publishers(queue: Queue, size: int) -> list[PublisherWork]:
    """Return the publishers with work in the queue that may be claimed now.

    ``size``: assumed for a chunk that does not say its own.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            _PUBLISHERS.format(days=partition_bounds.condition()), queue._asdict() | {"size": size}
        )
        return [PublisherWork._make(row) for row in cursor.fetchall()]


def lock_chunks(queue: Queue, shares: Mapping[int, int], size: int) -> list[LockedChunk]:
    """Lock the oldest chunks of each publisher, with about as many recipients as its share.

    ``shares``: recipients by publisher id. ``size``: assumed for a chunk that does not say its own.
    Skips chunks that others have locked.
    """
    with connection.cursor() as cursor:
        cursor.execute(_CHUNKS, _named(queue, shares) | {"size": size})
        return [LockedChunk._make(row) for row in cursor.fetchall()]


def lock_due(queue: Queue, shares: Mapping[int, int]) -> list[DueDelivery]:
    """Lock the deliveries of each publisher that have been due longest, up to its share."""
    with connection.cursor() as cursor:
        cursor.execute(_DUE.format(days=partition_bounds.condition()), _named(queue, shares))
        return [DueDelivery._make(row) for row in cursor.fetchall()]


def consume(cut: Sequence[int], named: Sequence[int]) -> str:
    """Return the statements that take chunks out of the queue once their deliveries exist.

    Chunks that were ``cut`` from an audience stay as ``done``: they say how far the cutting has
    come. ``named`` chunks are deleted.
    """
    statements = ""
    if cut:
        ids = arrays.numbers(cut)
        statements += f"UPDATE delivery_chunk SET state = 'done' WHERE id = ANY('{ids}'::bigint[]);"
    if named:
        statements += (
            f"DELETE FROM delivery_chunk WHERE id = ANY('{arrays.numbers(named)}'::bigint[]);"
        )
    return statements


def execute(statements: str) -> None:
    """Execute what ``consume`` returned."""
    if statements:
        with connection.cursor() as cursor:
            cursor.execute(statements)


def _named(queue: Queue, shares: Mapping[int, int]) -> dict[str, str | int | list[int]]:
    return {
        **queue._asdict(),
        "publishers": list(shares),
        "shares": list(shares.values()),
    }
