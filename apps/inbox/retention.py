"""Retention: delete expired inbox items, what was remembered of deleted ones, and inboxes."""

from django.db import connection, transaction

from apps.core import clock, old_rows
from apps.inbox.feed import bell, versions
from apps.inbox.models import Deletion, Feed, InboxItem, Ticket

#: Items per statement, so that none holds its locks for long.
AT_ONCE = 5_000
#: The advisory lock of ``purge``: any number that nothing else uses.
_CLEANER = 731_204
_DELETE = """
WITH expired AS (
    SELECT id FROM inbox_inboxitem WHERE expires_at <= %s
     ORDER BY expires_at LIMIT %s FOR UPDATE SKIP LOCKED
)
DELETE FROM inbox_inboxitem item USING expired WHERE item.id = expired.id
"""
_FORGET = """
DELETE FROM inbox_deletion WHERE id IN
    (SELECT id FROM inbox_deletion
      WHERE version < extract(epoch FROM %(before)s::timestamptz) * 1000000 LIMIT %(most)s)
"""


def forget() -> int:
    """Delete what streams do not ask for any more of deleted items; return how many."""
    return old_rows.delete(_FORGET, clock.moment() - versions.REPLAYED)


def purge() -> int:
    """Delete expired items; return how many.

    Leaves the work to another process that is doing it. The lock belongs to the transaction of a
    batch, and so ends with a process that dies.
    """
    now, purged = clock.moment(), 0
    while True:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [_CLEANER])
            if not cursor.fetchone()[0]:
                return purged
            cursor.execute(_DELETE, [now, AT_ONCE])
            count: int = cursor.rowcount
        purged += count
        if count < AT_ONCE:
            return purged


def erase(recipient_id: int) -> int:
    """Delete some of an inbox, and with its last items all that streams knew of it.

    Returns how many items went: 0 once the inbox is empty.
    """
    keys = InboxItem.objects.filter(recipient=recipient_id).values("pk")[:AT_ONCE]
    deleted, _ = InboxItem.objects.filter(pk__in=keys).delete()
    if not deleted:
        Deletion.objects.filter(recipient=recipient_id).delete()
        Feed.objects.filter(recipient=recipient_id).delete()
        bell.ring([recipient_id])
    return deleted


def erase_tickets(user_id: str) -> None:
    """Delete the tickets of a person: none opens a stream any more."""
    Ticket.objects.filter(user_id=user_id).delete()
