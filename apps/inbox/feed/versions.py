"""Versions of inboxes: what a stream has not sent yet is what has a later one (``Feed``).

A change of many items takes several versions, one after the other, so that a stream sends them in
batches, and goes on after the last one that a client got.
"""

from collections.abc import Mapping
from datetime import timedelta

from django.db import connection

from apps.core import arrays

#: For how long a stream may ask what was deleted. Whoever comes later is to list the inbox again.
REPLAYED = timedelta(days=7)
#: Digits of a version.
LONGEST_VERSION = 18
#: SQL: the next version at the earliest, by the database's clock.
NOW = "(extract(epoch FROM clock_timestamp()) * 1000000)::bigint"
#: SQL: the version after the one that a row of ``inbox_feed``, called ``f``, has.
NEXT = f"greatest(f.version + 1, {NOW})"
#: Items of a change that have the same version.
PER_VERSION = 100

_ADVANCE = f"""
INSERT INTO inbox_feed AS f (recipient_id, version) VALUES (%s, {NOW})
ON CONFLICT (recipient_id) DO UPDATE SET version = {NEXT}
RETURNING version
"""
_REACH = """
UPDATE inbox_feed f SET version = reached.version
  FROM unnest(%s::bigint[], %s::bigint[]) AS reached (recipient_id, version)
 WHERE f.recipient_id = reached.recipient_id
"""


def step(order: str) -> str:
    """Return SQL: how many versions after its change's first one an item's is.

    ``order``: the column that items of an inbox are sent in the order of.
    """
    return f"(row_number() OVER (PARTITION BY recipient_id ORDER BY {order}) - 1) / {PER_VERSION}"


def advance(recipient_id: int) -> int:
    """Return an inbox's next version, which nobody else can pass until the transaction ends."""
    with connection.cursor() as cursor:
        cursor.execute(_ADVANCE, [recipient_id])
        version: int = cursor.fetchone()[0]
    return version


def reach(last: Mapping[int, int]) -> None:
    """Set the versions of inboxes that a change took several of to the last of these.

    Call it in the transaction of the change, which holds the inboxes.
    """
    if last:
        with connection.cursor() as cursor:
            cursor.execute(_REACH, [arrays.numbers(last), arrays.numbers(last.values())])
