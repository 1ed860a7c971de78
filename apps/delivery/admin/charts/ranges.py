"""Ranges of time that a chart shows, and their axis in the installation's time zone."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from django.conf import settings

from apps.core import clock
from apps.operators import markup

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Range:
    """A range that ends now. One point of a line adds up a ``step``; ``tick``: between labels."""

    name: str
    label: str
    span: timedelta
    step: timedelta
    tick: timedelta

    def axis(self) -> "Axis":
        """Return the range's axis."""
        return Axis.ending_now(self.span, self.step, self.tick)


RANGES = (
    Range("hour", "1 hour", HOUR, MINUTE, 10 * MINUTE),
    Range("6-hours", "6 hours", 6 * HOUR, 5 * MINUTE, HOUR),
    Range("day", "1 day", DAY, 15 * MINUTE, 4 * HOUR),
    Range("week", "1 week", 7 * DAY, HOUR, DAY),
    Range("month", "1 month", 31 * DAY, 4 * HOUR, 5 * DAY),
)


def chosen(name: str) -> Range:
    """Return the range of this name, the shortest if there is none."""
    return next((one for one in RANGES if one.name == name), RANGES[0])


@dataclass(frozen=True, slots=True)
class Axis:
    """Steps from ``since`` to before ``until``, in a time zone."""

    since: datetime
    until: datetime
    step: timedelta
    tick: timedelta

    @classmethod
    def ending_now(cls, span: timedelta, step: timedelta, tick: timedelta) -> "Axis":
        """Return an axis of this length whose last step is the one that is under way."""
        until = _following(clock.moment(), step)
        return cls(until - span, until, step, tick)

    @property
    def zone(self) -> ZoneInfo:
        """The zone of the installation."""
        return ZoneInfo(settings.DEFAULT_TIME_ZONE)

    def moments(self) -> list[datetime]:
        """Return the beginning of each step, in the zone."""
        number = int((self.until - self.since) / self.step)
        return [(self.since + place * self.step).astimezone(self.zone) for place in range(number)]

    def share(self, moment: datetime) -> float:
        """Return how far along the axis a moment is: 0 to 1."""
        return (moment - self.since) / (self.until - self.since)

    def ticks(self) -> Iterator[tuple[float, str]]:
        """Yield the round times of the zone's clocks on the axis: how far along, and a label.

        Midnights are labelled by the day. Where a change of clocks skips a round time, the first
        moment after it stands for it.
        """
        quarter = 15 * MINUTE if self.tick >= HOUR else MINUTE
        moment = _following(self.since - quarter, quarter)
        before = self._round(moment - quarter)
        while moment < self.until:
            now = self._round(moment)
            if now != before and moment >= self.since:
                local = moment.astimezone(self.zone)
                day = self.tick >= DAY or now[1] == 0
                yield self.share(moment), f"{local:%d %b}" if day else f"{local:%H:%M}"
            before = now
            moment += quarter

    def _round(self, moment: datetime) -> tuple[int, int]:
        """Return the day and the tick of the day that a moment belongs to, on the zone's clocks."""
        local = moment.astimezone(self.zone)
        day = local.toordinal()
        if self.tick >= DAY:
            return day // self.tick.days, 0
        return day, (local.hour * 60 + local.minute) * 60 // int(self.tick.total_seconds())

    def title(self) -> str:
        """Return the range and its zone, as a sentence."""
        since, until = (moment.astimezone(self.zone) for moment in (self.since, self.until))
        return f"{markup.at(since)} to {markup.at(until)}, on the clocks of {self.zone.key}"


def _following(moment: datetime, step: timedelta) -> datetime:
    """Return the first multiple of ``step`` since 1970 that is after a moment."""
    beginning = datetime(1970, 1, 1, tzinfo=UTC)
    return beginning + ((moment - beginning) // step + 1) * step
