"""Change the status of inbox items, or delete them, any number in one statement."""

from collections.abc import Sequence
from typing import NamedTuple
from uuid import UUID

from django.db import connection, transaction
from django.dispatch import Signal

from apps.core import clock
from apps.inbox.models import InboxItem
from apps.inbox.statuses import DELETED, Status

LARGEST_ID = 2**63 - 1
#: Sent with ``recipient_id``, ``notification_ids`` and ``acknowledged`` in the transaction in which
#: items become read, acknowledged or deleted: whoever throws one away has seen it.
items_read = Signal()

_UPDATE = "UPDATE inbox_inboxitem item SET {} FROM mine"
#: The statement that sets each new status, and the condition of items that do not have it.
_CHANGES = {
    Status.UNREAD: (
        _UPDATE.format("read_at = NULL, acknowledged_at = NULL"),
        "item.read_at IS NOT NULL",
    ),
    Status.READ: (_UPDATE.format("read_at = %(now)s"), "item.read_at IS NULL"),
    Status.ACKNOWLEDGED: (
        _UPDATE.format("acknowledged_at = %(now)s, read_at = coalesce(item.read_at, %(now)s)"),
        "item.acknowledged_at IS NULL",
    ),
    DELETED: ("DELETE FROM inbox_inboxitem item USING mine", "true"),
}
_STATEMENT = """
WITH mine AS (
    SELECT item.id
      FROM inbox_inboxitem item
     WHERE item.recipient_id = %(recipient_id)s AND item.expires_at > %(now)s AND {which}
     ORDER BY item.id  -- or two who change the same items could wait for each other
       FOR UPDATE
), changed AS (
    {change} WHERE item.id = mine.id AND {others} RETURNING item.id, item.notification_id
)
SELECT (SELECT count(*) FROM changed), (SELECT array_agg(id) FROM mine),
       (SELECT array_agg(notification_id) FROM changed WHERE notification_id IS NOT NULL)
"""


class Changed(NamedTuple):
    """Number of items changed, and the ids that are not in this person's inbox."""

    changed: int
    unknown: list[int]


def change_all(recipient_id: int | None, status: str) -> int:
    """Give every item of the inbox a ``Status``, or ``DELETED``; return how many changed.

    ``READ`` leaves acknowledged items as they are.
    """
    return _change(recipient_id, status, _CHANGES[status][1])[0]


def change(recipient_id: int | None, ids: Sequence[int], status: str) -> Changed:
    """Change these items as ``change_all`` does; unknown ids do not affect the others."""
    known = [item_id for item_id in ids if item_id <= LARGEST_ID]
    count, found = _change(recipient_id, status, "item.id = ANY(%(ids)s)", known)
    mine = set(found)
    return Changed(count, [item_id for item_id in dict.fromkeys(ids) if item_id not in mine])


def acknowledge(recipient_id: int, notification_id: UUID) -> None:
    """Acknowledge what an inbox has of a notification."""
    _change(
        recipient_id,
        Status.ACKNOWLEDGED,
        "item.notification_id = %(notification_id)s",
        notification_id=notification_id,
    )


def _change(
    recipient_id: int | None,
    status: str,
    which: str,
    ids: Sequence[int] = (),
    notification_id: UUID | None = None,
) -> tuple[int, list[int]]:
    statement, others = _CHANGES[status]
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(
            _STATEMENT.format(which=which, change=statement, others=others),
            {
                "recipient_id": recipient_id,
                "now": clock.moment(),
                "ids": list(ids),
                "notification_id": notification_id,
            },
        )
        count, found, notification_ids = cursor.fetchone()
        if notification_ids and status != Status.UNREAD:
            items_read.send(
                InboxItem,
                recipient_id=recipient_id,
                notification_ids=notification_ids,
                acknowledged=status == Status.ACKNOWLEDGED,
            )
    return count, found or []
