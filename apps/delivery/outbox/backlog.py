"""The backlog: deliveries and chunks that wait, counted at a bounded price.

A chunk still to be created counts as its recipients or, where only its key range is known, as one.
"""

from collections.abc import Collection
from dataclasses import dataclass

from django.conf import settings
from django.db import connection

from apps.delivery.outbox.queues import Queue
from notifier.domain.priorities import Priority

#: In place of a channel: audiences of topics and groups that are still to be cut.
FAN_OUT = ""
#: Deliveries, and chunks, that are counted by channel and priority, at most.
MOST = 10_000


@dataclass(frozen=True, slots=True)
class Backlog:
    """What waits on one channel ('' for fan-out) at one priority. ``more``: than ``waiting``."""

    channel: str
    priority: str
    waiting: int
    seconds: float
    more: bool


def backlog() -> list[Backlog]:
    """Where something waits, and since when. What is scheduled for later does not wait."""
    with connection.cursor() as cursor:
        cursor.execute(
            _BACKLOG,
            {
                "priorities": list(Priority),
                "channels": [FAN_OUT, *settings.CHANNELS],
                "most": MOST,
            },
        )
        return [Backlog(*row) for row in cursor.fetchall()]


def ages(priorities: Collection[str], channels: Collection[str]) -> dict[Queue, float]:
    """Seconds that the oldest has been due, of each queue in which something is."""
    with connection.cursor() as cursor:
        cursor.execute(_AGES, {"priorities": list(priorities), "channels": list(channels)})
        return {Queue(channel, priority): age for priority, channel, age in cursor.fetchall()}


def _publishers(table: str, since: str, condition: str) -> str:
    """Each publisher that has rows in queue ``q``, and since when its oldest is due: from one to
    the next by an index on (priority, channel, publisher_id, ``since``), however many rows wait."""
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
_DELIVERIES = ("delivery_delivery", "next_attempt_at", "next_attempt_at IS NOT NULL")
_QUEUES = """
  FROM (SELECT priority, channel FROM unnest(%(priorities)s::text[]) AS p (priority)
         CROSS JOIN unnest(%(channels)s::text[]) AS c (channel)) q"""
_AGES = f"""
SELECT q.priority, q.channel, extract(epoch FROM clock_timestamp() - min(w.since))::float
{_QUEUES}
 CROSS JOIN LATERAL (
        ({_publishers(*_CHUNKS)}) UNION ALL ({_publishers(*_DELIVERIES)})) w
 GROUP BY 1, 2
"""


def _counted(table: str, since: str, condition: str, waiting: str) -> str:
    """``MOST`` of what is due in queue ``q``, counted, and since when its oldest is."""
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
