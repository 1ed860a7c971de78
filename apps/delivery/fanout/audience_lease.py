"""The lease under which one worker cuts an audience, and the fence that refuses late writes."""

from dataclasses import dataclass
from uuid import UUID

from django.conf import settings
from django.db import connection

from apps.core import clock


class Fenced(Exception):
    """Another worker has claimed the audience since; nothing was written."""


@dataclass(frozen=True, slots=True)
class AudienceLease:
    """A claimed chunk of kind ``whole``, and the fence under which it was claimed."""

    id: int
    fence: int
    priority: str
    notification_id: UUID


_CLAIM = """
UPDATE delivery_chunk
   SET state = 'running', fence = fence + 1,
       due_at = clock_timestamp() + make_interval(secs => %(lease)s)
 WHERE id = %(id)s
   AND (state = 'queued' OR (state = 'running' AND due_at <= clock_timestamp()))
RETURNING id, fence, priority, notification_id, extract(epoch FROM clock_timestamp())::float8
"""
_NEXT = """
SELECT id FROM delivery_chunk
 WHERE state = 'queued' AND priority = %s AND channel = '' AND kind = 'whole'
   AND ready_at <= statement_timestamp()
 ORDER BY ready_at LIMIT 1 FOR UPDATE SKIP LOCKED
"""


def next_whole(priority: str) -> int | None:
    """Lock the audience that has waited longest and return its chunk's id; ``None`` without one."""
    with connection.cursor() as cursor:
        cursor.execute(_NEXT, [priority])
        row = cursor.fetchone()
    return row[0] if row else None


def claim(chunk_id: int) -> AudienceLease | None:
    """Claim the chunk for ``LEASE_SECONDS``; return ``None`` if it is done or another worker's."""
    with connection.cursor() as cursor:
        cursor.execute(_CLAIM, {"id": chunk_id, "lease": settings.LEASE_SECONDS})
        row = cursor.fetchone()
    if row is None:
        return None
    clock.synchronize(row[-1])
    return AudienceLease(*row[:-1])


def finish(chunk: AudienceLease) -> None:
    """Mark the chunk as done. Raises ``Fenced`` where another worker claimed it since."""
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE delivery_chunk SET state = 'done' "
            "WHERE id = %s AND fence = %s AND state <> 'done'",
            [chunk.id, chunk.fence],
        )
        if cursor.rowcount != 1:
            raise Fenced(f"chunk {chunk.id} was claimed by another worker")


def renew(chunk: AudienceLease) -> None:
    """Renew the lease, and lock the chunk until the commit.

    Raises ``Fenced`` where another worker claimed it since.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE delivery_chunk SET due_at = clock_timestamp() + make_interval(secs => %s) "
            "WHERE id = %s AND fence = %s AND state <> 'done'",
            [settings.LEASE_SECONDS, chunk.id, chunk.fence],
        )
        if cursor.rowcount != 1:
            raise Fenced(f"chunk {chunk.id} was claimed by another worker")
