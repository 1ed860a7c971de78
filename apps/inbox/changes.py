"""What people do with the items of their inbox: one statement, however many they are."""

from collections.abc import Sequence
from typing import NamedTuple

from django.db import connection

from apps.core import clock
from apps.inbox.statuses import DELETED, Status

LARGEST_ID = 2**63 - 1

_UPDATE = "UPDATE inbox_inboxitem item SET {} FROM mine"
#: By what an item shall be: the statement that makes it so, and the items that are not yet so.
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
    {change} WHERE item.id = mine.id AND {others} RETURNING item.id
)
SELECT (SELECT count(*) FROM changed), (SELECT array_agg(id) FROM mine)
"""


class Changed(NamedTuple):
    """How many items are now what they were not, and which ids are none of this person's."""

    changed: int
    unknown: list[int]


def change_all(recipient_id: int | None, status: str) -> int:
    """Give every item in the inbox this status (of ``Status``, or ``DELETED``); how many changed.

    ``READ`` takes nothing back: what was acknowledged stays so.
    """
    return _change(recipient_id, status, _CHANGES[status][1])[0]


def change(recipient_id: int | None, ids: Sequence[int], status: str) -> Changed:
    """The same for these items; those that are there are changed, whatever the others are."""
    known = [item_id for item_id in ids if item_id <= LARGEST_ID]
    count, found = _change(recipient_id, status, "item.id = ANY(%(ids)s)", known)
    mine = set(found)
    return Changed(count, [item_id for item_id in dict.fromkeys(ids) if item_id not in mine])


def _change(
    recipient_id: int | None, status: str, which: str, ids: Sequence[int] = ()
) -> tuple[int, list[int]]:
    statement, others = _CHANGES[status]
    with connection.cursor() as cursor:
        cursor.execute(
            _STATEMENT.format(which=which, change=statement, others=others),
            {"recipient_id": recipient_id, "now": clock.moment(), "ids": list(ids)},
        )
        count, found = cursor.fetchone()
    return count, found or []
