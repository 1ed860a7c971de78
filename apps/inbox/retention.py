"""Taking expired items out of the inboxes."""

from django.db import connection, transaction

from apps.core import clock

#: Items a statement, so that none holds its locks for long.
AT_ONCE = 5_000
#: The name of the one cleaner's lock (``pg_advisory_lock``): any number that nobody else uses.
_CLEANER = 731_204
_DELETE = """
WITH expired AS (
    SELECT id FROM inbox_inboxitem WHERE expires_at <= %s
     ORDER BY expires_at LIMIT %s FOR UPDATE SKIP LOCKED
)
DELETE FROM inbox_inboxitem item USING expired WHERE item.id = expired.id
"""


def purge() -> int:
    """Delete what has expired; how many items. Who finds another cleaner at it leaves it to that
    one: the lock is held by the transaction of each batch, and so ends with whoever dies."""
    now, purged = clock.moment(), 0
    while True:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [_CLEANER])
            if not cursor.fetchone()[0]:
                return purged
            cursor.execute(_DELETE, [now, AT_ONCE])
            count = cursor.rowcount
        purged += count
        if count < AT_ONCE:
            return purged
