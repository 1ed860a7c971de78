"""Holding a whole audience while it is cut: a lease, and a fence that keeps late writes out."""

from dataclasses import dataclass
from uuid import UUID

from django.conf import settings
from django.db import connection

from apps.core import clock


class Fenced(Exception):
    """Another worker has claimed this chunk since; nothing was written."""


@dataclass(frozen=True, slots=True)
class AudienceLease:
    """A claimed chunk and the fence under which it was claimed."""

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
    """Lock the audience that has waited longest to be cut; its chunk's id, ``None`` without one."""
    with connection.cursor() as cursor:
        cursor.execute(_NEXT, [priority])
        row = cursor.fetchone()
    return row[0] if row else None


def claim(chunk_id: int) -> AudienceLease | None:
    """Take the chunk with a lease of ``LEASE_SECONDS``; ``None`` if it is done or another's."""
    with connection.cursor() as cursor:
        cursor.execute(_CLAIM, {"id": chunk_id, "lease": settings.LEASE_SECONDS})
        row = cursor.fetchone()
    if row is None:
        return None
    clock.synchronize(row[-1])
    return AudienceLease(*row[:-1])


def finish(chunk: AudienceLease) -> None:
    """Close the chunk. Raises ``Fenced``."""
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE delivery_chunk SET state = 'done' "
            "WHERE id = %s AND fence = %s AND state <> 'done'",
            [chunk.id, chunk.fence],
        )
        if cursor.rowcount != 1:
            raise Fenced(f"chunk {chunk.id} was claimed by another worker")


def hold(chunk: AudienceLease) -> None:
    """Lock the chunk until the transaction ends and renew its lease. Raises ``Fenced``."""
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE delivery_chunk SET due_at = clock_timestamp() + make_interval(secs => %s) "
            "WHERE id = %s AND fence = %s AND state <> 'done'",
            [settings.LEASE_SECONDS, chunk.id, chunk.fence],
        )
        if cursor.rowcount != 1:
            raise Fenced(f"chunk {chunk.id} was claimed by another worker")
