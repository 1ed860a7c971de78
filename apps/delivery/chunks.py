"""Holding a chunk: claimed with a lease, and with a fence that keeps a late worker's writes out."""

from dataclasses import dataclass
from uuid import UUID

from django.conf import settings
from django.db import connection

from apps.delivery import clock


class Fenced(Exception):
    """Another worker has claimed this chunk since; nothing was written."""


@dataclass(frozen=True, slots=True)
class Chunk:
    """A claimed chunk and the fence under which it was claimed."""

    id: int
    fence: int
    kind: str
    channel: str
    priority: str
    notification_id: UUID | None
    low_id: int | None
    high_id: int | None
    recipient_ids: list[int] | None
    contact_ids: list[int] | None


_CLAIM = """
UPDATE delivery_chunk
   SET state = 'running', fence = fence + 1,
       due_at = clock_timestamp() + make_interval(secs => %(lease)s)
 WHERE id = %(id)s
   AND (state = 'queued' OR (state = 'running' AND due_at <= clock_timestamp()))
RETURNING id, fence, kind, channel, priority, notification_id, low_id, high_id, recipient_ids,
          contact_ids, extract(epoch FROM clock_timestamp())::float8
"""


def claim(chunk_id: int) -> Chunk | None:
    """Take the chunk with a lease of ``LEASE_SECONDS``; ``None`` if it is done or another's."""
    with connection.cursor() as cursor:
        cursor.execute(_CLAIM, {"id": chunk_id, "lease": settings.LEASE_SECONDS})
        row = cursor.fetchone()
    if row is None:
        return None
    clock.heard(row[-1])
    return Chunk(*row[:-1])


def extend_leases(fences: dict[int, int]) -> None:
    """Renew the leases of the chunks (id -> fence) that this process is still working on."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            UPDATE delivery_chunk c
               SET due_at = clock_timestamp() + make_interval(secs => %s)
              FROM unnest(%s::bigint[], %s::int[]) AS held (id, fence)
             WHERE c.id = held.id AND c.fence = held.fence AND c.state = 'running'
            """,
            [settings.LEASE_SECONDS, list(fences), list(fences.values())],
        )


def finish(chunk: Chunk) -> None:
    """Close the chunk. Raises ``Fenced``."""
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE delivery_chunk SET state = 'done' "
            "WHERE id = %s AND fence = %s AND state <> 'done'",
            [chunk.id, chunk.fence],
        )
        if cursor.rowcount != 1:
            raise Fenced(f"chunk {chunk.id} was claimed by another worker")


def put_back(chunk: Chunk, seconds: float) -> None:
    """Let nobody have it for so long. It does not wait meanwhile: it could not be worked on.

    Runs in the transaction that claimed it.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE delivery_chunk SET state = 'queued', "
            "due_at = clock_timestamp() + make_interval(secs => %(seconds)s), "
            "ready_at = clock_timestamp() + make_interval(secs => %(seconds)s) "
            "WHERE id = %(id)s",
            {"id": chunk.id, "seconds": seconds},
        )


def hold(chunk: Chunk) -> None:
    """Lock the chunk until the transaction ends and renew its lease. Raises ``Fenced``."""
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE delivery_chunk SET due_at = clock_timestamp() + make_interval(secs => %s) "
            "WHERE id = %s AND fence = %s AND state <> 'done'",
            [settings.LEASE_SECONDS, chunk.id, chunk.fence],
        )
        if cursor.rowcount != 1:
            raise Fenced(f"chunk {chunk.id} was claimed by another worker")
