"""Recurrence rules of RFC 5545 (3.3.10), those that recur at whole minutes.

They have ``FREQ`` from ``MINUTELY`` to ``YEARLY``, ``INTERVAL``, ``BYMONTH``, ``BYMONTHDAY``,
``BYDAY``, ``BYHOUR``, ``BYMINUTE``, ``WKST``, and ``BYSETPOS`` of the days of a month. A schedule
has fields for what ``DTSTART``, ``UNTIL`` and ``COUNT`` say.
"""

import re
from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from enum import IntEnum
from math import gcd

from notifier.recurrence.rules import DAY, InvalidRule, days_of, months

LONGEST = 500


class Frequency(IntEnum):
    """``FREQ``: the period whose occurrences the other parts choose."""

    MINUTELY = 1
    HOURLY = 2
    DAILY = 3
    WEEKLY = 4
    MONTHLY = 5
    YEARLY = 6


#: The largest ``INTERVAL`` of each frequency: five years. A search looks further than that.
MOST_INTERVAL = {
    Frequency.MINUTELY: 5 * 366 * DAY,
    Frequency.HOURLY: 5 * 366 * 24,
    Frequency.DAILY: 5 * 366,
    Frequency.WEEKLY: 5 * 52,
    Frequency.MONTHLY: 5 * 12,
    Frequency.YEARLY: 5,
}
_WEEKDAYS = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")
_DAY = re.compile(rf"([+-]?[0-9]{{1,2}})?({'|'.join(_WEEKDAYS)})")
_NUMBER = re.compile(r"[+-]?[0-9]{1,7}")
#: Reasons why parts of RFC 5545 are not taken, and what to write instead.
_INSTEAD = {
    "DTSTART": "The start is the field starts_at_local.",
    "UNTIL": "The end is the field ends_at_local.",
    "COUNT": "The number of runs is the field count.",
    "BYSECOND": "A schedule runs at whole minutes: leave it out.",
    "BYYEARDAY": "It is not supported: use BYMONTH and BYMONTHDAY.",
    "BYWEEKNO": "It is not supported: use INTERVAL with FREQ=WEEKLY.",
    "BYEASTER": "It is not supported.",
}
_PARTS = (
    *("FREQ", "INTERVAL", "BYMONTH", "BYMONTHDAY", "BYDAY", "BYHOUR", "BYMINUTE"),
    *("BYSETPOS", "WKST"),
)


@dataclass(frozen=True, slots=True)
class RecurrenceRule:
    """A rule that begins at the local time ``start``. An empty part restricts nothing.

    ``weekdays``: pairs of a weekday (Monday is 0) and which one of its month, from its end where
    that is negative; 0 for every one. ``week_start``: the weekday with which weeks begin.
    """

    frequency: Frequency
    start: datetime
    interval: int = 1
    months: frozenset[int] = frozenset()
    month_days: frozenset[int] = frozenset()
    weekdays: frozenset[tuple[int, int]] = frozenset()
    hours: frozenset[int] = frozenset()
    of_hour: frozenset[int] = frozenset()
    positions: frozenset[int] = frozenset()
    week_start: int = 0
    # Days that begin alike have the same minutes, put together once for all of them: a search for
    # what never occurs reads ten thousand days. Those of an interval of minutes begin in as many
    # ways as it has minutes, so that all together they cost what the minutes of two days do.
    _found: dict[int, Sequence[int]] = field(
        default_factory=dict, init=False, compare=False, repr=False
    )

    def days(self, first: date, last: date) -> Iterator[date]:
        for year, month in months(first, last):
            if self._has_month(year, month):
                for day in self._days_of(year, month):
                    if first <= day <= last:
                        yield day

    def minutes(self, day: date) -> Sequence[int]:
        first = 0
        if self.frequency is Frequency.MINUTELY:
            began = (day - self.start.date()).days * DAY - _minute_of(self.start)
            first = -began % self.interval
        elif self.frequency is Frequency.HOURLY:
            began = (day - self.start.date()).days * 24 - self.start.hour
            first = -began % self.interval
        found = self._found.get(first)
        if found is None:
            found = self._found[first] = self._minutes(first)
        return found

    def _minutes(self, first: int) -> Sequence[int]:
        """Return the minutes of a day whose ``first`` minute or hour of the interval is that."""
        if self.frequency is Frequency.MINUTELY:
            return [one for one in range(first, DAY, self.interval) if self.has_minute(one)]
        hours: Set[int] = self.hours or {self.start.hour}
        if self.frequency is Frequency.HOURLY:
            every = set(range(first, 24, self.interval))
            hours = every & self.hours if self.hours else every
        of_hour = sorted(self.of_hour or {self.start.minute})
        return [hour * 60 + minute for hour in sorted(hours) for minute in of_hour]

    def has_minute(self, minute: int) -> bool:
        """Return whether a minute of the day has one of the rule's hours and minutes."""
        return (not self.hours or minute // 60 in self.hours) and (
            not self.of_hour or minute % 60 in self.of_hour
        )

    def _has_month(self, year: int, month: int) -> bool:
        if self.months and month not in self.months:
            return False
        if self.frequency is Frequency.YEARLY:
            return (year - self.start.year) % self.interval == 0
        if self.frequency is Frequency.MONTHLY:
            passed = (year - self.start.year) * 12 + month - self.start.month
            return passed % self.interval == 0
        return True

    def _days_of(self, year: int, month: int) -> list[date]:
        length = sum(1 for _ in days_of(year, month))
        found = [day for day in days_of(year, month) if self._matches(day, length)]
        if not self.positions:
            return found
        places = {one - 1 if one > 0 else len(found) + one for one in self.positions}
        return [day for place, day in enumerate(found) if place in places]

    def _matches(self, day: date, length: int) -> bool:
        """Return whether a day of a month with ``length`` days is one of the rule's."""
        if self.frequency is Frequency.DAILY:
            if (day - self.start.date()).days % self.interval:
                return False
        elif self.frequency is Frequency.WEEKLY:
            weeks = (self._week_of(day) - self._week_of(self.start.date())).days // 7
            if weeks % self.interval:
                return False
        if self.month_days and not self.month_days & {day.day, day.day - length - 1}:
            return False
        if not self.weekdays:
            return True
        weekday = day.weekday()
        from_start, from_end = (day.day - 1) // 7 + 1, -((length - day.day) // 7) - 1
        return bool(self.weekdays & {(weekday, 0), (weekday, from_start), (weekday, from_end)})

    def _week_of(self, day: date) -> date:
        return day - timedelta(days=(day.weekday() - self.week_start) % 7)


def parse(text: str, start: datetime) -> RecurrenceRule:
    """Read a rule such as ``FREQ=WEEKLY;BYDAY=MO`` that begins at the local time ``start``.

    What the rule leaves open is as it is at ``start``. Raises ``InvalidRule``.
    """
    parts = _parts(text)
    frequency = _frequency(parts)
    found = RecurrenceRule(
        frequency=frequency,
        start=start,
        interval=_interval(parts, frequency),
        months=_numbers(parts, "BYMONTH", 1, 12),
        month_days=_numbers(parts, "BYMONTHDAY", -31, 31, zero=False),
        weekdays=_weekdays(parts),
        hours=_numbers(parts, "BYHOUR", 0, 23),
        of_hour=_numbers(parts, "BYMINUTE", 0, 59),
        positions=_numbers(parts, "BYSETPOS", -31, 31, zero=False),
        week_start=_week_start(parts),
    )
    _check(found)
    return _completed(found)


def _parts(text: str) -> dict[str, str]:
    """Split a rule into its parts by name."""
    if len(text) > LONGEST:
        raise InvalidRule(f"A rule has at most {LONGEST} characters.")
    found: dict[str, str] = {}
    for part in text.strip().upper().removeprefix("RRULE:").split(";"):
        name, equals, value = part.partition("=")
        if name in _INSTEAD:
            raise InvalidRule(f"Leave {name} out. {_INSTEAD[name]}")
        if name not in _PARTS or not equals or not value:
            raise InvalidRule(
                f"{part[:50]!r} is no part of a rule. Write it as in "
                f'"FREQ=WEEKLY;BYDAY=MO;BYHOUR=9;BYMINUTE=0". The parts are {", ".join(_PARTS)}.'
            )
        if name in found:
            raise InvalidRule(f"{name} is there twice.")
        found[name] = value
    return found


def _frequency(parts: Mapping[str, str]) -> Frequency:
    named = parts.get("FREQ", "")
    if named not in Frequency.__members__:
        names = ", ".join(Frequency.__members__)
        raise InvalidRule(f"FREQ has to be one of {names}: a schedule runs at whole minutes.")
    return Frequency[named]


def _interval(parts: Mapping[str, str], frequency: Frequency) -> int:
    written, most = parts.get("INTERVAL", "1"), MOST_INTERVAL[frequency]
    if not _NUMBER.fullmatch(written) or not 1 <= int(written) <= most:
        raise InvalidRule(
            f"INTERVAL has to be a number from 1 to {most:,} with FREQ={frequency.name}, which is "
            "five years."
        )
    return int(written)


def _numbers(
    parts: Mapping[str, str], name: str, low: int, high: int, *, zero: bool = True
) -> frozenset[int]:
    if name not in parts:
        return frozenset()
    found = set()
    for written in parts[name].split(","):
        number = int(written) if _NUMBER.fullmatch(written) else None
        if number is None or not low <= number <= high or not (number or zero):
            but = "" if zero else " but 0"
            raise InvalidRule(f"{name}: {written[:20]!r} is no number from {low} to {high}{but}.")
        found.add(number)
    return frozenset(found)


def _weekdays(parts: Mapping[str, str]) -> frozenset[tuple[int, int]]:
    if "BYDAY" not in parts:
        return frozenset()
    found = set()
    for written in parts["BYDAY"].split(","):
        day = _DAY.fullmatch(written)
        which = int(day[1]) if day and day[1] else 0
        if day is None or (day[1] and not 1 <= abs(which) <= 5):
            raise InvalidRule(
                f"BYDAY: {written[:20]!r} is no weekday such as MO, nor one of a month such as 2MO "
                "or -1FR."
            )
        found.add((_WEEKDAYS.index(day[2]), which))
    return frozenset(found)


def _week_start(parts: Mapping[str, str]) -> int:
    named = parts.get("WKST", "MO")
    if named not in _WEEKDAYS:
        raise InvalidRule(f"WKST has to be one of {', '.join(_WEEKDAYS)}.")
    return _WEEKDAYS.index(named)


def _check(rule: RecurrenceRule) -> None:
    """Raise ``InvalidRule`` for parts that do not go together, here or in RFC 5545."""
    frequency = rule.frequency
    if frequency is Frequency.WEEKLY and rule.month_days:
        raise InvalidRule("BYMONTHDAY does not go with FREQ=WEEKLY: use FREQ=DAILY.")
    numbered = any(which for _, which in rule.weekdays)
    if numbered and frequency not in (Frequency.MONTHLY, Frequency.YEARLY):
        raise InvalidRule("A weekday with a number, such as 2MO, needs FREQ=MONTHLY.")
    if numbered and frequency is Frequency.YEARLY and not rule.months:
        raise InvalidRule(
            "A weekday with a number, such as 2MO, needs BYMONTH with FREQ=YEARLY: it is one of a "
            "month."
        )
    if frequency is Frequency.MINUTELY:
        # Those of all days: from one to the next the interval's minutes move by its rest.
        step = gcd(rule.interval, DAY)
        every = range(_minute_of(rule.start) % step, DAY, step)
        if not any(rule.has_minute(minute) for minute in every):
            raise InvalidRule("It never occurs: the interval passes BYHOUR and BYMINUTE by.")
    if not rule.positions:
        return
    if frequency is not Frequency.MONTHLY or not (rule.weekdays or rule.month_days):
        raise InvalidRule(
            "BYSETPOS chooses days of a month: it needs FREQ=MONTHLY, and BYDAY or BYMONTHDAY."
        )
    if len(rule.hours) > 1 or len(rule.of_hour) > 1:
        raise InvalidRule("BYSETPOS chooses days: leave one hour and one minute.")


def _completed(rule: RecurrenceRule) -> RecurrenceRule:
    """Return the rule with what it leaves open, as it is at its start."""
    start, frequency = rule.start, rule.frequency
    if rule.month_days or rule.weekdays:
        return rule
    if frequency is Frequency.WEEKLY:
        return replace(rule, weekdays=frozenset({(start.weekday(), 0)}))
    if frequency is Frequency.MONTHLY:
        return replace(rule, month_days=frozenset({start.day}))
    if frequency is Frequency.YEARLY:
        months = rule.months or frozenset({start.month})
        return replace(rule, month_days=frozenset({start.day}), months=months)
    return rule


def _minute_of(moment: datetime) -> int:
    return moment.hour * 60 + moment.minute
