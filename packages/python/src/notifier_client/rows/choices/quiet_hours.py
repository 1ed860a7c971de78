"""Quiet hours of people."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from notifier_client.rows.base import TIME, TUPLE


@dataclass(frozen=True, slots=True)
class QuietWindow:
    """A time of quiet that begins on each of these days (``"mon"`` to ``"sun"``).

    ``begins`` and ``ends`` are local times such as ``"22:00"``. It ends on the next day, unless
    ``ends`` is after ``begins``.
    """

    days: Sequence[str]
    begins: str
    ends: str

    def body_of(self) -> dict[str, Any]:
        """As the API takes it."""
        return {"days": list(self.days), "from": self.begins, "to": self.ends}


def _windows(answers: Sequence[Mapping[str, Any]]) -> tuple[QuietWindow, ...]:
    return tuple(QuietWindow(tuple(one["days"]), one["from"], one["to"]) for one in answers)


@dataclass(frozen=True, slots=True)
class QuietHours:
    """The quiet hours that apply to a person.

    - ``channels``: where nothing disturbs them.
    - ``source``: ``own``, or ``company`` where its default applies.
    - ``time_zone``: an IANA name, in which the windows are.
    - ``quiet_until``: when the quiet hours end that it is in now, if it is in some.
    """

    windows: tuple[QuietWindow, ...] = field(metadata={"read": _windows})
    channels: tuple[str, ...] = field(metadata=TUPLE)
    source: str
    time_zone: str
    quiet_until: datetime | None = field(default=None, metadata=TIME)


def quiet_hours_body(
    windows: Sequence[QuietWindow], channels: Sequence[str] | None
) -> dict[str, Any]:
    """Return the body of a request that replaces somebody's quiet hours."""
    body: dict[str, Any] = {"windows": [window.body_of() for window in windows]}
    return body if channels is None else {**body, "channels": list(channels)}
