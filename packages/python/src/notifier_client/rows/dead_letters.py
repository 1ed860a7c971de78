"""Dead letters: deliveries that were given up; and what is done to many rows at once."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from notifier_client.rows.base import TIME, TUPLE


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """A delivery that was given up, its address masked. ``id``: the delivery's."""

    id: str
    notification_id: str
    channel: str
    died_at: datetime = field(metadata=TIME)
    topic: str | None = None
    provider: str = ""
    reason: str = ""
    user_id: str | None = None
    address: str | None = None


@dataclass(frozen=True, slots=True)
class BulkAction:
    """One action on everything that matches, and how far it is.

    - ``state``: waiting, running, done or aborted.
    - ``total``: how many matched when it began; ``done``: how many of them it has gone through;
      ``counts``: what became of them.
    """

    id: str
    action: str
    state: str
    requested_at: datetime = field(metadata=TIME)
    match: Mapping[str, str] = field(default_factory=dict)
    total: int | None = None
    done: int = 0
    counts: Mapping[str, int] = field(default_factory=dict)
    started_at: datetime | None = field(default=None, metadata=TIME)
    finished_at: datetime | None = field(default=None, metadata=TIME)


@dataclass(frozen=True, slots=True)
class Redriven:
    """The number of dead letters that were redriven.

    ``unknown``: ids that are no dead letters; ``busy``: ids of those that something else was
    changing, to be named in another call; ``gone``: number of those that match and cannot be
    redriven, since their content is deleted; ``more``: whether some may be left; ``next``: the
    cursor with which a call with the same match continues.
    """

    redriven: int
    unknown: tuple[str, ...] = field(default=(), metadata=TUPLE)
    busy: tuple[str, ...] = field(default=(), metadata=TUPLE)
    gone: int = 0
    more: bool = False
    next: str | None = None
