"""The statuses of an inbox item, and the changes that a person may make."""

from enum import StrEnum


class Status(StrEnum):
    """The status of an item. An acknowledged item counts as read, too."""

    UNREAD = "unread"
    READ = "read"
    ACKNOWLEDGED = "acknowledged"


class Change(StrEnum):
    """A change that a person makes to items.

    ``SEEN`` are those that were on the screen, which makes a bell stop ringing; whatever is read
    was seen. ``ARCHIVED`` items are read and out of the way, ``SNOOZED`` ones until a time, unread
    when they come back. ``RESTORED`` brings either back at once.
    """

    UNREAD = "unread"
    SEEN = "seen"
    READ = "read"
    ACKNOWLEDGED = "acknowledged"
    ARCHIVED = "archived"
    SNOOZED = "snoozed"
    RESTORED = "restored"
    DELETED = "deleted"
