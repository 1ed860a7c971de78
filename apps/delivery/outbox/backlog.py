"""The backlog: deliveries and chunks that wait, counted at a bounded cost.

A chunk counts as the number of its recipients, or as one where only its key range is known.
"""

from collections.abc import Collection
from dataclasses import dataclass

from django.db import connection

from apps.delivery.outbox import partition_bounds
from apps.delivery.outbox.queues import Queue, all_queues

#: Most deliveries, and most chunks, that are counted of each channel and priority.
MOST = 10_000


@dataclass(frozen=True, slots=True)
class Backlog:
    """The backlog of one channel ('' for fan-out) at one priority.

    ``waiting``: deliveries and recipients of chunks. ``seconds``: since the oldest became due.
    ``more``: there are more than ``waiting``.
    """

    channel: str
    priority: str
    waiting: int
    seconds: float
    more: bool


def backlog() -> list[Backlog]:
    """Return the backlog of each queue that has one. What is scheduled for later is not in it."""
    with connection.cursor() as cursor:
        cursor.execute(
            _BACKLOG.format(days=partition_bounds.condition()),
            _columns(all_queues()) | {"most": MOST},
        )
        return [Backlog(*row) for row in cursor.fetchall()]


def ages(queues: Collection[Queue]) -> dict[Queue, float]:
    """Return for how many seconds the oldest row of each of these queues has been due.

    Queues without work that is due are left out.
    """
    with connection.cursor() as cursor:
        cursor.execute(_AGES.format(days=partition_bounds.condition()), _columns(queues))
        return {Queue(channel, priority): age for channel, priority, age in cursor.fetchall()}


def _columns(queues: Collection[Queue]) -> dict[str, list[str] | int]:
    """Return the parameters that name these queues."""
    return {
        "channels": [one.channel for one in queues],
        "priorities": [one.priority for one in queues],
    }


def _publishers(table: str, since: str, condition: str) -> str:
    """Return SQL for each publisher with due rows in queue ``q``, and since when its oldest is due.

    Steps from publisher to publisher by an index on (priority, channel, publisher_id, ``since``),
    so that its cost does not depend on how many rows wait.
    """
    first = f"""
        SELECT publisher_id, {since} AS since FROM {table}
         WHERE {condition} AND priority = q.priority AND channel = q.channel"""
    return f"""
        WITH RECURSIVE publisher AS (
            ({first} ORDER BY publisher_id, {since} LIMIT 1)
            UNION ALL
            SELECT next.* FROM publisher,
                 LATERAL ({first} AND publisher_id > publisher.publisher_id
                           ORDER BY publisher_id, {since} LIMIT 1) next)
        SELECT * FROM publisher WHERE since <= clock_timestamp()"""


_CHUNKS = ("delivery_chunk", "ready_at", "state = 'queued'")
_DELIVERIES = ("delivery_delivery", "next_attempt_at", "next_attempt_at IS NOT NULL AND {days}")
_QUEUES = """
  FROM unnest(%(channels)s::text[], %(priorities)s::text[]) AS q (channel, priority)"""
_AGES = f"""
SELECT q.channel, q.priority, extract(epoch FROM clock_timestamp() - min(w.since))::float
{_QUEUES}
 CROSS JOIN LATERAL (
        ({_publishers(*_CHUNKS)}) UNION ALL ({_publishers(*_DELIVERIES)})) w
 GROUP BY 1, 2
"""


def _counted(table: str, since: str, condition: str, waiting: str) -> str:
    """Return SQL that counts up to ``MOST`` due rows of queue ``q``, and the oldest row's time."""
    return f"""
        SELECT (SELECT min(since) FROM publishers) AS since, sum(waiting) AS waiting,
               count(*) >= %(most)s AS more
          FROM (SELECT {waiting} AS waiting
                  FROM publishers,
                       LATERAL (SELECT * FROM {table}
                                 WHERE {condition} AND priority = q.priority
                                   AND channel = q.channel
                                   AND publisher_id = publishers.publisher_id
                                   AND {since} <= clock_timestamp()
                                 ORDER BY {since} LIMIT %(most)s) oldest
                 LIMIT %(most)s) due"""


_SIZE = "coalesce(cardinality(recipient_ids), cardinality(contact_ids), 1)"
_BACKLOG = f"""
SELECT q.channel, q.priority, sum(w.waiting)::bigint,
       extract(epoch FROM clock_timestamp() - min(w.since))::float, bool_or(w.more)
{_QUEUES}
 CROSS JOIN LATERAL (
        (WITH publishers AS ({_publishers(*_CHUNKS)}) {_counted(*_CHUNKS, _SIZE)})
        UNION ALL
        (WITH publishers AS ({_publishers(*_DELIVERIES)}) {_counted(*_DELIVERIES, "1")})) w
 WHERE w.waiting > 0
 GROUP BY 1, 2
"""
