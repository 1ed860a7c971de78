"""Bring snoozed items back when their time has come."""

from functools import partial

from django.db import connection, transaction

from apps.core import clock
from apps.inbox.feed import bell, versions

#: People whose items one statement brings back.
AT_ONCE = 1_000
# The versions first, in the order in which others lock them and the items.
_RETURN = f"""
WITH people AS (
    SELECT DISTINCT recipient_id FROM (
        SELECT recipient_id FROM inbox_inboxitem
         WHERE snoozed_until <= %(now)s ORDER BY snoozed_until LIMIT %(most)s
    ) AS due
), feed AS (
    INSERT INTO inbox_feed AS f (recipient_id, version)
    SELECT recipient_id, {versions.NOW} FROM people ORDER BY recipient_id
    ON CONFLICT (recipient_id) DO UPDATE SET version = {versions.NEXT}
    RETURNING recipient_id, version
)
UPDATE inbox_inboxitem item SET snoozed_until = NULL, version = feed.version
  FROM feed
 WHERE item.recipient_id = feed.recipient_id AND item.snoozed_until <= %(now)s
RETURNING item.recipient_id
"""


def bring_back() -> int:
    """Bring back the items that were snoozed until now or earlier; return how many."""
    now, returned = clock.moment(), 0
    while True:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(_RETURN, {"now": now, "most": AT_ONCE})
            found = [recipient_id for (recipient_id,) in cursor.fetchall()]
            transaction.on_commit(partial(bell.ring, set(found)))
        returned += len(found)
        if not found:
            return returned
