"""Change the status of inbox items, or delete them, any number in one statement."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from django.db import connection, transaction
from django.dispatch import Signal

from apps.core import clock
from apps.inbox.feed import bell, versions
from apps.inbox.models import InboxItem
from apps.inbox.statuses import Change

LARGEST_ID = 2**63 - 1
#: Sent with ``recipient_id``, ``notification_ids`` and ``acknowledged`` in the transaction in which
#: items become read, acknowledged, archived, snoozed or deleted: whoever puts one away has seen it.
items_read = Signal()
_LEAVE_UNREAD = (Change.UNREAD, Change.SEEN, Change.RESTORED)

_READ_NOW = "read_at = coalesce(item.read_at, %(now)s), seen_at = coalesce(item.seen_at, %(now)s)"


class _Rule(NamedTuple):
    """The SQL of a change: the columns it sets, and the condition of items that lack it."""

    sets: str
    lacking: str


_RULES = {
    Change.UNREAD: _Rule("read_at = NULL, acknowledged_at = NULL", "item.read_at IS NOT NULL"),
    Change.SEEN: _Rule("seen_at = %(now)s", "item.seen_at IS NULL"),
    Change.READ: _Rule(_READ_NOW, "item.read_at IS NULL"),
    Change.ACKNOWLEDGED: _Rule(
        f"acknowledged_at = %(now)s, {_READ_NOW}", "item.acknowledged_at IS NULL"
    ),
    Change.ARCHIVED: _Rule(
        f"archived_at = %(now)s, snoozed_until = NULL, {_READ_NOW}", "item.archived_at IS NULL"
    ),
    # It is new again when it comes back, and has not expired by then.
    Change.SNOOZED: _Rule(
        """snoozed_until = %(until)s, archived_at = NULL, seen_at = NULL,
        read_at = CASE WHEN item.acknowledged_at IS NOT NULL THEN item.read_at END,
        expires_at = greatest(item.expires_at, %(until)s + interval '1 day')""",
        "item.snoozed_until IS DISTINCT FROM %(until)s",
    ),
    Change.RESTORED: _Rule(
        "archived_at = NULL, snoozed_until = NULL",
        "(item.archived_at IS NOT NULL OR item.snoozed_until IS NOT NULL)",
    ),
}
_UPDATE = """
UPDATE inbox_inboxitem item SET {sets}, version = placed.version FROM placed
 WHERE item.id = placed.id AND {lacking}
RETURNING item.id, item.notification_id, placed.version
"""
_DELETE = """
DELETE FROM inbox_inboxitem item USING placed WHERE item.id = placed.id
RETURNING item.id, item.notification_id, placed.version
"""
_REMEMBER = """,
remembered AS (
    INSERT INTO inbox_deletion (recipient_id, version, item_id)
    SELECT %(recipient_id)s, version, id FROM changed
)"""
_STATEMENT = """
WITH mine AS (
    SELECT item.id, item.recipient_id
      FROM inbox_inboxitem item
     WHERE item.recipient_id = %(recipient_id)s AND item.expires_at > %(now)s AND {which}
     ORDER BY item.id  -- or two who change the same items could wait for each other
       FOR UPDATE
), placed AS (
    SELECT id, %(version)s + {step} AS version FROM mine
), changed AS ({change}){remember}
SELECT (SELECT count(*) FROM changed), (SELECT max(version) FROM changed),
       (SELECT array_agg(id) FROM mine),
       (SELECT array_agg(notification_id) FROM changed WHERE notification_id IS NOT NULL)
"""
#: SQL: whether an item is in the inbox, and not put away.
_HERE = "item.archived_at IS NULL AND (item.snoozed_until IS NULL OR item.snoozed_until <= %(now)s)"


class Changed(NamedTuple):
    """Number of items changed, and the ids that are not in this person's inbox."""

    changed: int
    unknown: list[int]


def change_all(recipient_id: int | None, to: Change, until: datetime | None = None) -> int:
    """Change every item that is not archived or snoozed; return how many changed.

    ``RESTORED`` brings back all that are. ``READ`` leaves acknowledged items as they are.
    ``until``: of ``SNOOZED``.
    """
    which = _RULES[to].lacking if to == Change.RESTORED else _HERE
    if to not in (Change.DELETED, Change.RESTORED):
        which = f"{which} AND {_RULES[to].lacking}"
    return _change(recipient_id, to, which, until=until)[0]


def change(
    recipient_id: int | None, ids: Sequence[int], to: Change, until: datetime | None = None
) -> Changed:
    """Change these items as ``change_all`` does; unknown ids do not affect the others."""
    known = [item_id for item_id in ids if item_id <= LARGEST_ID]
    count, found = _change(recipient_id, to, "item.id = ANY(%(ids)s)", known, until=until)
    mine = set(found)
    return Changed(count, [item_id for item_id in dict.fromkeys(ids) if item_id not in mine])


def acknowledge(recipient_id: int, notification_id: UUID) -> None:
    """Acknowledge what an inbox has of a notification."""
    _change(
        recipient_id,
        Change.ACKNOWLEDGED,
        "item.notification_id = %(notification_id)s",
        notification_id=notification_id,
    )


def _change(
    recipient_id: int | None,
    to: Change,
    which: str,
    ids: Sequence[int] = (),
    *,
    notification_id: UUID | None = None,
    until: datetime | None = None,
) -> tuple[int, list[int]]:
    if recipient_id is None:
        return 0, []
    deletes = to == Change.DELETED
    statement = _STATEMENT.format(
        which=which,
        step=versions.step("id"),
        change=_DELETE if deletes else _UPDATE.format(**_RULES[to]._asdict()),
        remember=_REMEMBER if deletes else "",
    )
    with transaction.atomic(), connection.cursor() as cursor:
        version = versions.advance(recipient_id)
        cursor.execute(
            statement,
            {
                "recipient_id": recipient_id,
                "version": version,
                "now": clock.moment(),
                "ids": list(ids),
                "notification_id": notification_id,
                "until": until,
            },
        )
        count, last, found, notification_ids = cursor.fetchone()
        if count:
            if last > version:
                versions.reach({recipient_id: last})
            transaction.on_commit(lambda: bell.ring([recipient_id]))
        if notification_ids and to not in _LEAVE_UNREAD:
            items_read.send(
                InboxItem,
                recipient_id=recipient_id,
                notification_ids=notification_ids,
                acknowledged=to == Change.ACKNOWLEDGED,
            )
    return count, found or []
