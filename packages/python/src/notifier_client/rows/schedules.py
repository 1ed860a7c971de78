"""Schedules and their runs."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from notifier_client.rows.base import TIME


def _times(texts: list[str]) -> tuple[datetime, ...]:
    return tuple(map(datetime.fromisoformat, texts))


@dataclass(frozen=True, slots=True)
class Schedule:
    """A notification that recurs, by ``rrule`` or ``cron`` on the clocks of ``time_zone``.

    - ``time_zone``: ``"recipient"`` for those of each recipient.
    - ``state``: active, paused or ended.
    - ``next_at``: its next occurrence; on recipients' own clocks when it is that time first,
      anywhere. ``next_occurrences``: the next five, in its zone, or as local times, without a zone,
      on recipients' own clocks; they and ``notification`` are not in lists.
    - ``runs``: until now, failed ones included. ``failures``: in a row, up to the last one.
    """

    name: str
    state: str
    time_zone: str
    starts_at_local: str
    misfire: str
    rrule: str | None = None
    cron: str | None = None
    ends_at_local: str | None = None
    count: int | None = None
    expires_after_seconds: int | None = None
    topic: str | None = None
    group: str | None = None
    next_at: datetime | None = field(default=None, metadata=TIME)
    runs: int = 0
    failures: int = 0
    created_at: datetime | None = field(default=None, metadata=TIME)
    updated_at: datetime | None = field(default=None, metadata=TIME)
    notification: Mapping[str, Any] = field(default_factory=dict)
    next_occurrences: tuple[datetime, ...] = field(default=(), metadata={"read": _times})


@dataclass(frozen=True, slots=True)
class ScheduleRun:
    """The outcome of an occurrence; ``occurrence`` is ``None`` for a run by hand.

    It has no zone where it was on recipients' own clocks.
    ``state``: accepted, failed, skipped or missed. ``missed``: occurrences before it that were
    missed. ``problem``: type of the error of a failed run, and ``detail`` what it says.
    """

    state: str
    at: datetime = field(metadata=TIME)
    occurrence: datetime | None = field(default=None, metadata=TIME)
    notification_id: str | None = None
    missed: int = 0
    problem: str | None = None
    detail: str = ""
