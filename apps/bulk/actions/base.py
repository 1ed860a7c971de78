"""The interface of the kinds of bulk actions, and the result of a batch."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple, Protocol, TypeAlias

from apps.bulk.models import BulkAction


class Event(NamedTuple):
    """A line of the audit trail: the action, the type and name of its object, and its owner."""

    action: str
    kind: str
    name: str
    publisher_id: int | None


@dataclass(frozen=True, slots=True)
class Step:
    """The result of a batch.

    ``done``: rows it has gone through. ``counts``: what became of them. ``cursor``: behind which
    row the next batch begins; ``None`` if there is none. ``events``: for the audit trail, with what
    each says. ``waits``: what is left is locked by others, so that the turn ends.
    """

    done: int
    counts: Mapping[str, int]
    cursor: str | None
    events: Mapping[Event, Mapping[str, Any]] = field(default_factory=dict)
    waits: bool = False


#: Criteria that tell of a person: a publisher's own word for a notification, and whose it is.
PERSONAL = ("reference", "recipient_id")
#: Stands in their place where they are kept for longer than an action takes.
NOT_KEPT = "[not kept]"
#: Does a batch, in the caller's transaction, which has the action's row locked and passes it.
Batch: TypeAlias = Callable[[BulkAction], Step]


class Action(Protocol):
    """One kind of bulk action."""

    @property
    def criteria(self) -> tuple[str, ...]:
        """Return the names of criteria that ``match`` may have."""

    def total(self, row: BulkAction) -> int:
        """Count the rows that match, once."""

    def batches(self, row: BulkAction) -> Iterator[Batch]:
        """Yield the next batches, at least one, each to be done in a transaction of its own.

        What this reads itself, it reads outside of them.
        """


def impersonal(match: Mapping[str, Any]) -> dict[str, Any]:
    """Return criteria as they may be kept when the people they tell of are erased."""
    return {name: NOT_KEPT if name in PERSONAL else value for name, value in match.items()}


def moment(match: Mapping[str, Any], name: str) -> datetime | None:
    """Return a time among criteria, which JSON has as text."""
    return datetime.fromisoformat(match[name]) if name in match else None
