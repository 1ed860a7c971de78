"""The sweeper: enqueues what is due and what was lost. Safe to run many times at once."""

from django.conf import settings
from django.db import connection
from django.utils import timezone

from apps.delivery import enqueue, transitions
from apps.delivery.enqueue import Ticket
from apps.delivery.models import ChunkKind
from notifier.priorities import Priority

#: Chunks enqueued again by one sweep, and retry chunks made per channel and priority: a sweep
#: must end well within the second until the next.
AT_ONCE = 1_000
RETRY_CHUNKS = 20

# An unclaimed chunk may only be waiting in a long queue: each further sweep of it waits twice as
# long (up to 64 times), so that a backlog of hours costs a few idle messages, not a flood. A
# running chunk is here because its worker's lease ran out.
_SWEEP = """
UPDATE delivery_chunk
   SET state = 'queued', sweeps = sweeps + 1,
       due_at = clock_timestamp() + make_interval(secs => %(grace)s * (2 ^ least(sweeps, 6)))
 WHERE id IN (SELECT id FROM delivery_chunk
               WHERE state <> 'done' AND due_at <= clock_timestamp() AND priority = %(priority)s
               ORDER BY due_at LIMIT %(limit)s FOR UPDATE SKIP LOCKED)
RETURNING id, kind, channel, priority
"""


def sweep() -> int:
    """Enqueue due chunks, then put due deliveries into retry chunks; high priority first.

    Returns how many chunks were enqueued. With the broker away nothing is lost and nothing
    more is made: what is due stays due.
    """
    enqueued = 0
    for priority in Priority:
        enqueued += enqueue.now(_due_chunks(priority))
        for channel in settings.CHANNELS:
            enqueued += enqueue.now(_retries(channel, priority))
    return enqueued


def _due_chunks(priority: Priority) -> list[Ticket]:
    with connection.cursor() as cursor:
        cursor.execute(
            _SWEEP, {"grace": enqueue.grace(priority), "priority": priority, "limit": AT_ONCE}
        )
        return [Ticket(*row) for row in cursor.fetchall()]


def _retries(channel: str, priority: Priority) -> list[Ticket]:
    tickets = []
    now = timezone.now()
    for _ in range(RETRY_CHUNKS):
        chunk_id = transitions.wake_due(
            channel, priority, now, settings.CHUNK_SIZE, enqueue.grace(priority)
        )
        if chunk_id is None:
            break
        tickets.append(Ticket(chunk_id, ChunkKind.RETRY, channel, priority))
    return tickets
