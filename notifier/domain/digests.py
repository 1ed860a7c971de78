"""Digests: what joins one, and when it closes.

Times of day are wall-clock times in the recipient's zone. One that is skipped is the moment at
which the clocks are set forward, and one that comes twice is its first occurrence.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime, time, timedelta, tzinfo
from enum import StrEnum
from typing import Any

from notifier.domain.times.local_time import instant

#: Seconds that a digest stays open at least and at most.
SHORTEST, LONGEST = 1, 7 * 86_400
#: Characters of a key.
KEY_LIMIT = 128
#: Days of the week, from Monday on.
DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_TIME = re.compile(r"([01][0-9]|2[0-3]):[0-5][0-9]")
_HOUR = 3_600


class Cadence(StrEnum):
    """A person's choice of how often to be sent a category."""

    AT_ONCE = "at_once"
    HOURLY = "hourly"
    DAILY = "daily"
    WEEKLY = "weekly"


@dataclass(frozen=True, slots=True)
class Digest:
    """A request of a publisher or the company to send notifications together.

    - ``key``: those with the same one are told together; empty for all of a category.
    - ``window``: seconds from the first one until it closes, or
    - ``at``: the time of day at which it closes, as ``"09:00"``.
    - ``template``: the name of the publisher's template that tells them; empty for a plain list.
    """

    key: str = ""
    window: int | None = None
    at: str = ""
    template: str = ""

    def as_json(self) -> str:
        """Return it as ``read`` takes it."""
        return json.dumps(asdict(self))

    def shown(self) -> dict[str, object]:
        """Return it as requests write it."""
        found: dict[str, object] = {"key": self.key}
        found |= {"at": self.at} if self.window is None else {"window": self.window}
        return {**found, "template": self.template} if self.template else found


@dataclass(frozen=True, slots=True)
class Clocks:
    """Closing times of a person's own cadences: the time of day, and the day of a weekly one."""

    at: str = "09:00"
    day: str = "mon"


def read(stored: str | Mapping[str, Any]) -> Digest:
    """Return the digest that ``Digest.as_json`` wrote."""
    found: Mapping[str, Any] = json.loads(stored) if isinstance(stored, str) else stored
    return Digest(**{name: found[name] for name in Digest.__slots__ if name in found})


def is_time(text: str) -> bool:
    """Return whether a text is a time of day, from 00:00 to 23:59."""
    return _TIME.fullmatch(text) is not None


def chosen(cadence: Cadence | None, asked: Digest | None) -> Digest | None:
    """Return the digest that a notification joins, by the person's choice or else as it asks.

    ``None``: it is sent at once. A person's choice changes when it closes, and neither its key nor
    its template.
    """
    if cadence is None or cadence == Cadence.AT_ONCE:
        return asked if cadence is None else None
    asked = asked or Digest()
    if cadence == Cadence.HOURLY:
        return replace(asked, window=_HOUR, at="")
    return replace(asked, window=None)


def closes(
    digest: Digest, cadence: Cadence | None, now: float, zone: tzinfo, clocks: Clocks
) -> float:
    """Return when a digest that is opened now closes (unix seconds), after now.

    ``cadence``: the person's, if they have one. ``clocks``: when daily and weekly ones close for
    whom nothing says a time.
    """
    if digest.window is not None:
        return now + digest.window
    wall = time.fromisoformat(digest.at or clocks.at)
    day = datetime.fromtimestamp(now, UTC).astimezone(zone).date()
    weekly = cadence == Cadence.WEEKLY
    # A day more than a week: the moment today may be over, or be skipped.
    for ahead in range(9):
        date = day + timedelta(days=ahead)
        if weekly and DAYS[date.weekday()] != clocks.day:
            continue
        found = instant(datetime.combine(date, wall), zone)
        if found > now:
            return found
    raise AssertionError("a week without that time of day")
