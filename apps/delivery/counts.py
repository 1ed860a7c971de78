"""What is counted as deliveries move, so that nobody need count rows.

``StateCount`` by notification, ``HourCount`` by publisher and topic, ``MinuteCount`` by provider.
Each statement takes its rows in the order of their keys, and a transaction makes each statement
once and in the same order as all others, so that none deadlock.
"""

import random
from collections import Counter

from django.db import connection

#: Over how many rows each count is spread, so that chunks which finish together do not wait for
#: one row.
SLOTS = 8

# Usage is what was published: what asks for confirmation or tells a publisher is not counted.
# LIMIT keeps each notification's look-up one by its key: without statistics (a fresh installation)
# PostgreSQL would read all of them to join.
_COUNT = """
WITH moved AS MATERIALIZED (
    SELECT * FROM unnest(%s::uuid[], %s::text[], %s::text[], %s::smallint[], %s::bigint[])
                  AS m (notification_id, channel, state, slot, count)
), counted AS (
    INSERT INTO delivery_statecount (notification_id, channel, state, slot, count)
    SELECT * FROM moved
    ON CONFLICT (notification_id, channel, state, slot)
    DO UPDATE SET count = delivery_statecount.count + excluded.count
)
INSERT INTO delivery_hourcount (publisher_id, topic_id, hour, channel, state, slot, count)
SELECT n.publisher_id, coalesce(n.topic_id, 0), date_trunc('hour', clock_timestamp(), 'UTC'),
       m.channel, m.state, m.slot, sum(m.count)
  FROM moved m
 CROSS JOIN LATERAL (SELECT publisher_id, topic_id, kind FROM delivery_notification
                      WHERE id = m.notification_id LIMIT 1) n
 WHERE n.kind = 'published'
 GROUP BY 1, 2, 3, 4, 5, 6
 ORDER BY 1, 2, 3, 4, 5, 6
ON CONFLICT (publisher_id, topic_id, hour, channel, state, slot)
DO UPDATE SET count = delivery_hourcount.count + excluded.count
"""

_COUNT_ATTEMPTS = """
INSERT INTO delivery_minutecount (minute, channel, provider, outcome, reason, slot, count)
SELECT date_trunc('minute', clock_timestamp(), 'UTC'), a.*
  FROM unnest(%s::text[], %s::text[], %s::text[], %s::text[], %s::smallint[], %s::bigint[]) AS a
ON CONFLICT (minute, channel, provider, outcome, reason, slot)
DO UPDATE SET count = delivery_minutecount.count + excluded.count
"""


def add(moves: Counter) -> None:
    """Count moves by (notification, channel, state), into a state and (negative) out of it."""
    changed = sorted((key, change) for key, change in moves.items() if change)
    if not changed:
        return
    with connection.cursor() as cursor:
        cursor.execute(_COUNT, _columns(changed))


def add_attempts(attempts: Counter) -> None:
    """Count attempts of this minute by (channel, provider, outcome, reason)."""
    if attempts:
        with connection.cursor() as cursor:
            cursor.execute(_COUNT_ATTEMPTS, _columns(sorted(attempts.items())))


def _columns(counted: list[tuple[tuple, int]]) -> list[list]:
    """The parts of the keys, a slot for all of them, and the numbers."""
    keys, numbers = zip(*counted, strict=True)
    slot = random.randrange(SLOTS)
    return [*map(list, zip(*keys, strict=True)), [slot] * len(keys), list(numbers)]
