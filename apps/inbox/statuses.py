"""The statuses of an inbox item."""

from enum import StrEnum


class Status(StrEnum):
    """The status of an item. An acknowledged item counts as read, too."""

    UNREAD = "unread"
    READ = "read"
    ACKNOWLEDGED = "acknowledged"


#: A status that can be set but never read: it deletes the item.
DELETED = "deleted"
