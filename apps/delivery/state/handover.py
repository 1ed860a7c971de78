"""Handover from workers of the version before, whose chunks had leases of their own.

Their rows are open chunks of kind ``retry``, and chunks that run or were claimed before. Kept for
one release: once no such worker has run for a day, nothing is found here any more.
"""

from collections.abc import Sequence

from django.conf import settings
from django.db import connection, transaction

from apps.delivery import state
from apps.delivery.state import retry_policies
from notifier.domain.priorities import Priority

#: Most chunks of each kind that one transaction takes over.
AT_ONCE = 20

# Running chunks once their lease has ended; retry chunks that nobody claimed, at once. The latter
# have no publisher, so that an index finds them beside millions of others.
_FIND = """
SELECT unnest(
    ARRAY(SELECT id FROM delivery_chunk
           WHERE state = 'running' AND kind <> 'whole' AND due_at <= clock_timestamp()
           LIMIT %(most)s FOR UPDATE SKIP LOCKED)
    || ARRAY(SELECT id FROM delivery_chunk
              WHERE state = 'queued' AND priority = ANY(%(priorities)s)
                AND channel = ANY(%(channels)s) AND publisher_id = 0 AND kind = 'retry'
              LIMIT %(most)s FOR UPDATE SKIP LOCKED))
"""
_WAKE = """
UPDATE delivery_delivery SET next_attempt_at = clock_timestamp()
 WHERE chunk_id = ANY(%s) AND state IN ('queued', 'retrying') AND next_attempt_at IS NULL
"""


def release(chunk_ids: Sequence[int]) -> None:
    """Make the deliveries of these chunks due. Runs in the caller's transaction."""
    state.release_lost(chunk_ids, retry_policies.most_attempts())
    with connection.cursor() as cursor:
        cursor.execute(_WAKE, [list(chunk_ids)])


def sweep() -> int:
    """Take over chunks whose worker is gone; return how many."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(
            _FIND,
            {
                "priorities": list(Priority),
                "channels": list(settings.CHANNELS),
                "most": AT_ONCE,
            },
        )
        found = [chunk_id for (chunk_id,) in cursor.fetchall()]
        if found:
            release(found)
            cursor.execute("UPDATE delivery_chunk SET state = 'done' WHERE id = ANY(%s)", [found])
    return len(found)
