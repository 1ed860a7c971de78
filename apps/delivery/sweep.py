"""The sweeper: enqueues what is due and what was lost. Safe to run many times at once."""

from datetime import UTC, datetime

from django.conf import settings
from django.db import connection

from apps.delivery import address_guards, broker, clock, enqueue, gates, transitions
from apps.delivery.enqueue import Ticket
from apps.delivery.models import ChunkKind
from notifier.priorities import Priority

#: Chunks enqueued again by one sweep, and retry chunks made per channel and priority: a sweep
#: must end well within the second until the next.
AT_ONCE = 1_000
RETRY_CHUNKS = 20

# How many chunks wait for a worker on each queue, where one of them has waited for long. What is
# scheduled for later than the grace period was never enqueued and does not count.
_WAITING = """
SELECT kind = 'whole', channel, count(*)
  FROM delivery_chunk
 WHERE state = 'queued' AND priority = %(priority)s
   AND due_at <= clock_timestamp() + make_interval(secs => %(grace)s)
 GROUP BY 1, 2
HAVING min(due_at) <= clock_timestamp()
"""
# An array, since PostgreSQL may run a plain subquery once for each row, and past its LIMIT.
_SWEEP = """
UPDATE delivery_chunk
   SET state = 'queued', due_at = clock_timestamp() + make_interval(secs => %(grace)s)
 WHERE id = ANY(ARRAY(
           SELECT id FROM delivery_chunk
            WHERE state = '{state}' AND due_at <= clock_timestamp() AND priority = %(priority)s
                  {of_queue}
            ORDER BY due_at LIMIT %(limit)s FOR UPDATE SKIP LOCKED))
RETURNING id, kind, channel, priority
"""
# Their worker's lease ran out.
_SWEEP_HELD = _SWEEP.format(state="running", of_queue="")
_SWEEP_LOST = _SWEEP.format(
    state="queued", of_queue="AND CASE WHEN kind = 'whole' THEN '' ELSE channel END = %(channel)s"
)


def sweep() -> int:
    """Enqueue due chunks, then put due deliveries into retry chunks; high priority first.

    Returns how many chunks were enqueued. Raises ``enqueue.BrokerDown`` or ``broker.Down`` with
    the broker away: nothing is lost then, what is due stays due.
    """
    enqueued = 0
    clock.look()
    shut = gates.shut(settings.CHANNELS)  # what waits there goes on waiting
    for priority in Priority:
        enqueued += _enqueue(_due_chunks(priority, shut))
        for channel in settings.CHANNELS:
            if channel not in shut:
                enqueued += _enqueue(_retries(channel, priority))
    # A worker may have written down after the flood was noticed. Last: it takes its time, and where
    # it fails what is due has been enqueued.
    address_guards.give_back()
    return enqueued


def _enqueue(tickets: list[Ticket]) -> int:
    connection.close()  # back to the pool while we wait for the broker
    return enqueue.now(tickets)


def _due_chunks(priority: Priority, shut: set[str]) -> list[Ticket]:
    """Chunks whose worker's lease ran out, that were scheduled for now, or that were lost."""
    grace = enqueue.grace(priority)
    with connection.cursor() as cursor:
        cursor.execute(_WAITING, {"priority": priority, "grace": grace})
        waiting = cursor.fetchall()
    lost = {channel: number for channel, number in _lost(priority, waiting) if channel not in shut}
    common = {"grace": grace, "priority": priority}
    with connection.cursor() as cursor:
        cursor.execute(_SWEEP_HELD, common | {"limit": AT_ONCE})
        due = cursor.fetchall()
        for channel, number in lost.items():
            limit = min(number, AT_ONCE)
            cursor.execute(_SWEEP_LOST, common | {"channel": channel, "limit": limit})
            due += cursor.fetchall()
    return [Ticket(*row) for row in due]


def _lost(priority: Priority, waiting: list[tuple[bool, str, int]]) -> list[tuple[str, int]]:
    """The channels ('' for fan-out) whose queue holds fewer messages than chunks wait for it, and
    how many fewer.

    So many are enqueued again, those first that have waited longest. The others only wait their
    turn: to enqueue them all, second after second, would make a long queue longer.
    """
    names = {
        Ticket(0, ChunkKind.WHOLE if whole else ChunkKind.RANGE, channel, priority).queue: channel
        for whole, channel, _ in waiting
    }
    if not names:
        return []
    connection.close()
    depths = broker.depths(names)
    return [
        (channel, number - depths.get(name, 0))
        for (name, channel), (_, _, number) in zip(names.items(), waiting, strict=True)
        if depths.get(name, 0) < number
    ]


def wake(channel: str, priority: str) -> None:
    """Enqueue what is due again on the channel, without waiting for the next sweep."""
    enqueue.soon(_retries(channel, Priority(priority)))


def _retries(channel: str, priority: Priority) -> list[Ticket]:
    tickets = []
    now = datetime.fromtimestamp(clock.now(), UTC)
    for _ in range(RETRY_CHUNKS):
        chunk_id = transitions.wake_due(
            channel, priority, now, settings.CHUNK_SIZE, enqueue.grace(priority)
        )
        if chunk_id is None:
            break
        tickets.append(Ticket(chunk_id, ChunkKind.RETRY, channel, priority))
    return tickets
