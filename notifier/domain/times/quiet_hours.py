"""Quiet hours: a weekly schedule in local time, and when it is quiet in a time zone.

Windows are wall-clock times. Where the clocks are set forward or back:

- A time that is skipped is the moment at which the clocks are set forward: a window that ends in
  the gap ends there, one that begins in it begins there, and one that lies in it is empty.
- A time that comes twice begins a window at its first occurrence and ends one at its second, so
  that a window is one stretch and no moment of it is left out.

All of it is worked out from the time zone's rules as this process has them. A deferral is judged
again when it ends, so rules that changed meanwhile apply then.
"""

import json
import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cached_property
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from notifier.domain.times.local_time import instant

#: Days of a window, as they are written, from Monday on.
DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
#: Most windows of a schedule: three a day.
MOST_WINDOWS = 21
#: Least minutes in a row that a schedule must leave free somewhere in the week.
LEAST_FREE = 60
#: Days within which a stretch of quiet ends: a week, and another one for a gap that swallows the
#: only free hour.
HORIZON = 15
#: Channels that quiet hours apply to where a schedule names none: those that ring or vibrate.
DISTURBING = ("push", "sms")
#: Channels that quiet hours never apply to: nobody is disturbed.
SILENT = frozenset(("inbox", "webhook"))

#: Seconds before a time for which the windows of two days before it say whether it was quiet.
_KNOWN_FREE = 43_200.0
_DAY = 24 * 60
_WEEK = 7 * _DAY
_TIME = re.compile(r"([01][0-9]|2[0-3]):([0-5][0-9])|24:00")


class InvalidSchedule(ValueError):
    """A schedule that cannot be used. ``path``: the members and indexes that lead to the error."""

    def __init__(self, sentence: str, *path: str | int) -> None:
        super().__init__(sentence)
        self.path = path


@dataclass(frozen=True, slots=True)
class Window:
    """Quiet from ``begins`` until ``ends``, in minutes after midnight, on each of ``days``.

    ``days``: 0 is Monday. It ends on the next day where ``ends`` is not after ``begins``.
    """

    days: frozenset[int]
    begins: int
    ends: int

    @property
    def minutes(self) -> int:
        """The length of the window on a day without a change of the clocks."""
        return self.ends - self.begins + (_DAY if self.ends <= self.begins else 0)


@dataclass(frozen=True)
class Schedule:
    """Windows of a week, and the channels on which they are quiet. Without windows it never is."""

    windows: tuple[Window, ...]
    channels: tuple[str, ...] = DISTURBING

    def as_json(self) -> dict[str, Any]:
        """Return it as ``parse`` reads it."""
        return {
            "windows": [
                {
                    "days": [DAYS[day] for day in sorted(window.days)],
                    "from": _written(window.begins),
                    "to": _written(window.ends),
                }
                for window in self.windows
            ],
            "channels": list(self.channels),
        }

    @cached_property
    def longest_free(self) -> int:
        """The longest time without quiet, in minutes of the week."""
        quiet = sorted(
            (day * _DAY + window.begins, day * _DAY + window.begins + window.minutes)
            for window in self.windows
            for day in window.days
        )
        if not quiet:
            return _WEEK
        longest, end = 0, quiet[0][0]
        for begins, ends in [*quiet, (quiet[0][0] + _WEEK, 0)]:
            longest = max(longest, begins - max(end, *_wrapped(quiet)))
            end = max(end, ends)
        return longest


def _wrapped(quiet: Collection[tuple[int, int]]) -> list[int]:
    """Return where windows of the week before end in this one."""
    return [ends - _WEEK for _, ends in quiet]


def _written(minutes: int) -> str:
    return f"{minutes // 60:02}:{minutes % 60:02}"


def parse(data: object, channels: Collection[str]) -> Schedule:
    """Read a schedule as people write it: ``{"windows": [...], "channels": [...]}``.

    ``channels``: those that exist. Where the schedule names none, it is those of ``DISTURBING``.

    Raises ``InvalidSchedule``.
    """
    if not isinstance(data, Mapping):
        raise InvalidSchedule("Write an object with windows.")
    if unknown := data.keys() - {"windows", "channels"}:
        raise InvalidSchedule(f"There is no field {min(unknown)!r}.", min(unknown))
    rows = data.get("windows")
    if not isinstance(rows, list):
        raise InvalidSchedule("List the windows; an empty list is no quiet hours.", "windows")
    if len(rows) > MOST_WINDOWS:
        raise InvalidSchedule(f"At most {MOST_WINDOWS} windows can be given.", "windows")
    windows = tuple(_window(row, number) for number, row in enumerate(rows))
    schedule = Schedule(windows, _channels(data.get("channels"), channels))
    if schedule.longest_free < LEAST_FREE:
        raise InvalidSchedule(
            "Leave an hour of the week free: nothing could ever be sent. "
            "To get nothing on a channel, refuse it in the preferences.",
            "windows",
        )
    return schedule


def read(text: str) -> Schedule:
    """Read a stored schedule. Raises ``InvalidSchedule`` or another ``ValueError``."""
    data = json.loads(text)
    return parse(data, data.get("channels", ()) if isinstance(data, dict) else ())


def _window(row: object, number: int) -> Window:
    def wrong(sentence: str, *name: str) -> InvalidSchedule:
        return InvalidSchedule(sentence, "windows", number, *name)

    if not isinstance(row, Mapping):
        raise wrong("Write an object with days, from and to.")
    if unknown := row.keys() - {"days", "from", "to"}:
        raise wrong(f"There is no field {min(unknown)!r}.", min(unknown))
    days = row.get("days")
    if not isinstance(days, list) or not days:
        raise wrong("List the days on which it begins.", "days")
    for day in days:
        if day not in DAYS:
            raise wrong(f"A day is one of {', '.join(DAYS)}, not {day!r}.", "days")
    minutes = []
    for name in ("from", "to"):
        found = _TIME.fullmatch(text) if isinstance(text := row.get(name), str) else None
        if found is None:
            raise wrong("Write a time such as 22:00.", name)
        minutes.append(_DAY if found[1] is None else int(found[1]) * 60 + int(found[2]))
    begins, ends = minutes
    if begins == _DAY:
        raise wrong("Midnight begins a day: write 00:00, and the day after.", "from")
    if begins == ends:
        raise wrong("It must end at another time. A whole day is from 00:00 to 24:00.", "to")
    return Window(frozenset(map(DAYS.index, days)), begins, ends)


def _channels(named: object, known: Collection[str]) -> tuple[str, ...]:
    if named is None:
        return DISTURBING
    if not isinstance(named, list):
        raise InvalidSchedule("List channels.", "channels")
    for name in named:
        if name in SILENT:
            raise InvalidSchedule(f"Nobody is disturbed on {name}: leave it out.", "channels")
        if name not in known:
            raise InvalidSchedule(f"There is no channel {name!r}.", "channels")
    return tuple(dict.fromkeys(named))


class Stretch(NamedTuple):
    """A time, in unix seconds, that is quiet throughout or not at all; ``ends`` is not in it.

    ``free``: the seconds from its end until it is quiet again, where it is quiet.
    """

    quiet: bool
    begins: float
    ends: float
    free: float = 0.0


class QuietHours:
    """A schedule in a time zone.

    The stretch that was found last is kept, so that within it a look-up is two comparisons.
    """

    __slots__ = ("_found", "schedule", "zone")

    def __init__(self, schedule: Schedule, zone: ZoneInfo) -> None:
        self.schedule = schedule
        self.zone = zone
        always = float("inf") if not schedule.windows else 0.0
        self._found = Stretch(False, -always, always)

    def stretch(self, at: float) -> Stretch:
        """Return the stretch that a time (unix seconds) is in."""
        found = self._found
        if not found.begins <= at < found.ends:
            found = self._found = self._find(at)
        return found

    def deferral(self, at: float, share: float, spread: float) -> float | None:
        """Return when to send what is to be sent at a time (unix seconds); ``None``: at once.

        What waits for the same end is sent over ``spread`` seconds after it, or over half of the
        time until it is quiet again if that is less. ``share``, from 0 to 1: of one message.
        """
        found = self.stretch(at)
        if not found.quiet:
            return None
        return found.ends + share * min(spread, found.free / 2)

    def _find(self, at: float) -> Stretch:
        """Return the stretch of a time, cut at the horizon and where its beginning is not known."""
        horizon = at + HORIZON * 86_400
        free_since = at - _KNOWN_FREE
        quiet = self._quiet(at)
        for begins, ends in quiet:
            if at < begins:
                return Stretch(False, free_since, min(begins, horizon))
            if at < ends:
                following, _ = next(quiet, (horizon, horizon))
                ends = min(ends, horizon)
                return Stretch(True, begins, ends, following - ends)
            free_since = ends
        return Stretch(False, free_since, horizon)

    def _quiet(self, at: float) -> Iterator[tuple[float, float]]:
        """Yield the times of quiet from before ``at`` on, in order, those that meet as one."""
        today = datetime.fromtimestamp(at, self.zone).date()
        begun: tuple[float, float] | None = None
        for begins, ends in self._windows(today - timedelta(days=2)):
            if begun is None:
                begun = begins, ends
            elif begins <= begun[1]:
                begun = begun[0], max(begun[1], ends)
            else:
                yield begun
                begun = begins, ends
        if begun is not None:
            yield begun

    def _windows(self, first: date) -> Iterator[tuple[float, float]]:
        """Yield the windows from a day on, by their beginning, empty ones left out."""
        for number in range(HORIZON + 3):
            day = first + timedelta(days=number)
            weekday = day.weekday()
            found = []
            for window in self.schedule.windows:
                if weekday not in window.days:
                    continue
                midnight = datetime(day.year, day.month, day.day)
                begins = instant(midnight + timedelta(minutes=window.begins), self.zone)
                end = midnight + timedelta(minutes=window.begins + window.minutes)
                ends = instant(end, self.zone, last=True)
                if begins < ends:
                    found.append((begins, ends))
            yield from sorted(found)
