"""Named sets of recipients."""

from dataclasses import dataclass, field
from datetime import datetime

from notifier.client.rows.base import TIME, TUPLE


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
    """How many joined a group, how many were in it ``already``, and which are ``unknown``."""

    added: int
    already: int
    unknown: tuple[str, ...] = field(default=(), metadata=TUPLE)


@dataclass(frozen=True, slots=True)
class Removed:
    """How many left a group, and which user_ids are ``unknown``."""

    removed: int
    unknown: tuple[str, ...] = field(default=(), metadata=TUPLE)
