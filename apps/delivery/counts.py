"""How many of a notification's deliveries are in each state, kept as they move."""

import random
from collections import Counter

from django.db import connection

#: Over how many rows a notification's count of one state is spread, so that chunks which finish
#: together do not wait for one row.
SLOTS = 8

_COUNT = """
INSERT INTO delivery_statecount (notification_id, channel, state, slot, count)
SELECT * FROM unnest(%s::uuid[], %s::text[], %s::text[], %s::smallint[], %s::bigint[])
ON CONFLICT (notification_id, channel, state, slot)
DO UPDATE SET count = delivery_statecount.count + excluded.count
"""


def add(moves: Counter) -> None:
    """Add to the counts by (notification, channel, state). In one order, so none deadlock."""
    changed = sorted((key, change) for key, change in moves.items() if change)
    if not changed:
        return
    slot = random.randrange(SLOTS)
    with connection.cursor() as cursor:
        cursor.execute(
            _COUNT,
            [
                [key[0] for key, _ in changed],
                [key[1] for key, _ in changed],
                [key[2] for key, _ in changed],
                [slot] * len(changed),
                [change for _, change in changed],
            ],
        )
