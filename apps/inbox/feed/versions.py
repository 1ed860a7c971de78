"""Versions of inboxes: what a stream has not told yet is what has a later one (``Feed``)."""

from datetime import timedelta

from django.db import connection

#: For how long a stream may ask what was deleted. Whoever comes later is to list the inbox again.
REPLAYED = timedelta(days=7)
#: Digits of a version.
LONGEST_VERSION = 18
#: SQL: the next version at the earliest, by the database's clock.
NOW = "(extract(epoch FROM clock_timestamp()) * 1000000)::bigint"
#: SQL: the version after the one that a row of ``inbox_feed``, called ``f``, has.
NEXT = f"greatest(f.version + 1, {NOW})"

_ADVANCE = f"""
INSERT INTO inbox_feed AS f (recipient_id, version) VALUES (%s, {NOW})
ON CONFLICT (recipient_id) DO UPDATE SET version = {NEXT}
RETURNING version
"""


def advance(recipient_id: int) -> int:
    """Return an inbox's next version, which nobody else can pass until the transaction ends."""
    with connection.cursor() as cursor:
        cursor.execute(_ADVANCE, [recipient_id])
        version: int = cursor.fetchone()[0]
    return version
