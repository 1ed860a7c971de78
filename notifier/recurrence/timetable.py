"""Timetables: the occurrences of a rule in a zone, between a start and an end."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta, tzinfo

from notifier.recurrence.local_time import instant, shown
from notifier.recurrence.rules import Rule

#: Years after which a search ends. 29 February in every fifth year comes within 20, and at the end
#: of a century within 28.
HORIZON_YEARS = 30
#: Days that a search for the latest occurrence reads at once.
_BACKWARDS = timedelta(days=31)
_ONE_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Timetable:
    """A rule on the clocks of ``zone``. ``start`` and ``end`` are local and included."""

    rule: Rule
    zone: tzinfo
    start: datetime
    end: datetime | None = None

    def after(self, moment: datetime) -> Iterator[datetime]:
        """Yield the occurrences after a moment, in UTC, ascending.

        Ends ``HORIZON_YEARS`` after it at the latest.
        """
        # No time before the local one is later: local times and moments ascend together.
        begin = max(shown(moment, self.zone), self.start)
        for day in self.rule.days(begin.date(), _horizon(begin)):
            for local in self._times(day):
                if local < begin:
                    continue
                if self.end is not None and local > self.end:
                    return
                if (found := instant(local, self.zone)) > moment:
                    yield found
                    moment = found  # several skipped times are one occurrence

    def latest(self, since: datetime, until: datetime) -> datetime:
        """Return the last occurrence until a moment, which is included.

        ``since``: an occurrence before or at ``until``.
        """
        first = shown(since, self.zone).date()
        # As clocks go back, a later local time may have an earlier moment.
        last = shown(until, self.zone).date() + _ONE_DAY
        while last >= first:
            for day in reversed([*self.rule.days(max(first, last - _BACKWARDS), last)]):
                for local in reversed([*self._times(day)]):
                    if local < self.start or (self.end is not None and local > self.end):
                        continue
                    if since <= (found := instant(local, self.zone)) <= until:
                        return found
            last -= _BACKWARDS + _ONE_DAY
        return since

    def _times(self, day: date) -> Iterator[datetime]:
        for minute in self.rule.minutes(day):
            yield datetime.combine(day, time(minute // 60, minute % 60))


def _horizon(begin: datetime) -> date:
    return date(min(begin.year + HORIZON_YEARS, date.max.year), 12, 31)
