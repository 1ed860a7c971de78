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
), mine AS (
    SELECT item.id, item.recipient_id, feed.version
      FROM inbox_inboxitem item JOIN feed USING (recipient_id)
     WHERE item.snoozed_until <= %(now)s
       FOR UPDATE OF item
), placed AS (
    SELECT id, version AS first, version + {versions.step("id")} AS version FROM mine
)
UPDATE inbox_inboxitem item SET snoozed_until = NULL, version = placed.version
  FROM placed
 WHERE item.id = placed.id
RETURNING item.recipient_id, placed.first, item.version
"""


def bring_back() -> int:
    """Bring back the items that were snoozed until now or earlier; return how many."""
    now, returned = clock.moment(), 0
    while True:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(_RETURN, {"now": now, "most": AT_ONCE})
            found = cursor.fetchall()
            last: dict[int, int] = {}
            for recipient_id, first, version in found:
                if version > last.get(recipient_id, first):
                    last[recipient_id] = version
            versions.reach(last)
            transaction.on_commit(partial(bell.ring, {recipient_id for recipient_id, *_ in found}))
        returned += len(found)
        if not found:
            return returned
