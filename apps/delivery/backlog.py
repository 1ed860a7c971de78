"""What waits, for a page and for Prometheus, at a bounded price.

A chunk still to be created counts as its recipients or, where only its key range is known, as one.
"""

from dataclasses import dataclass

from django.conf import settings
from django.db import connection

from notifier.priorities import Priority

#: Deliveries counted by channel and priority, and chunks by priority, at most.
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
            {"channels": list(settings.CHANNELS), "priorities": list(Priority), "most": MOST},
        )
        return [Backlog(*row) for row in cursor.fetchall()]


# Both parts walk a partial index from its oldest end, and stop.
_BACKLOG = """
SELECT channel, priority, sum(waiting)::bigint,
       extract(epoch FROM clock_timestamp() - min(since))::float, bool_or(more)
  FROM (SELECT c.channel, p.priority,
               sum(coalesce(cardinality(c.recipient_ids), cardinality(c.contact_ids), 1))
                   AS waiting,
               min(c.ready_at) AS since, count(*) >= %(most)s AS more
          FROM unnest(%(priorities)s::text[]) AS p (priority),
               LATERAL (SELECT channel, recipient_ids, contact_ids, ready_at FROM delivery_chunk
                         WHERE state <> 'done' AND priority = p.priority
                         ORDER BY due_at LIMIT %(most)s) c
         WHERE c.ready_at <= clock_timestamp()
         GROUP BY c.channel, p.priority
        UNION ALL
        SELECT k.channel, p.priority, count(*), min(d.next_attempt_at), count(*) >= %(most)s
          FROM unnest(%(priorities)s::text[]) AS p (priority),
               unnest(%(channels)s::text[]) AS k (channel),
               LATERAL (SELECT next_attempt_at FROM delivery_delivery
                         WHERE priority = p.priority AND channel = k.channel
                           AND next_attempt_at <= clock_timestamp()
                         ORDER BY next_attempt_at LIMIT %(most)s) d
         GROUP BY k.channel, p.priority) waiting
 GROUP BY channel, priority
"""
