"""Groups: named sets of recipients."""

from dataclasses import dataclass, field
from datetime import datetime

from notifier_client.rows.base import TIME, TUPLE


@dataclass(frozen=True, slots=True)
class Group:
    """A named set of recipients."""

    name: str
    display_name: str = ""
    created_at: datetime | None = field(default=None, metadata=TIME)


@dataclass(frozen=True, slots=True)
class Member:
    """A recipient in a group."""

    user_id: str
    added_at: datetime = field(metadata=TIME)


@dataclass(frozen=True, slots=True)
class Added:
    """The members added to a group, those in it ``already``, and ``unknown`` user_ids."""

    added: int
    already: int
    unknown: tuple[str, ...] = field(default=(), metadata=TUPLE)


@dataclass(frozen=True, slots=True)
class Removed:
    """The number of members removed from a group, and ``unknown`` user_ids."""

    removed: int
    unknown: tuple[str, ...] = field(default=(), metadata=TUPLE)
