"""What a person may do with an inbox item, and what it then is."""

from enum import StrEnum


class Status(StrEnum):
    """Where an item stands. What was acknowledged was read, too."""

    UNREAD = "unread"
    READ = "read"
    ACKNOWLEDGED = "acknowledged"


#: Not a status to be found in: the item is gone.
DELETED = "deleted"
