"""Cron expressions of five fields: minute, hour, day of month, month, day of week."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from typing import NamedTuple

from notifier.recurrence.rules import InvalidRule, days_of, months

LONGEST = 200


class _Field(NamedTuple):
    """A field: its lowest and highest number, and names of the numbers from ``low`` on."""

    name: str
    low: int
    high: int
    names: tuple[str, ...] = ()


_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_FIELDS = (
    _Field("minute", 0, 59),
    _Field("hour", 0, 23),
    _Field("day of month", 1, 31),
    _Field("month", 1, 12, _MONTHS),
    # 7 is Sunday, too.
    _Field("day of week", 0, 7, ("sun", "mon", "tue", "wed", "thu", "fri", "sat")),
)


@dataclass(frozen=True, slots=True)
class CronRule:
    """A cron expression. ``weekdays``: Monday is 0.

    ``either``: both kinds of days are restricted, and a day needs one of them, as cron has it.
    """

    minutes_of_day: tuple[int, ...]
    month_days: frozenset[int]
    months: frozenset[int]
    weekdays: frozenset[int]
    either: bool

    def days(self, first: date, last: date) -> Iterator[date]:
        for year, month in months(first, last):
            if month not in self.months:
                continue
            for day in days_of(year, month):
                if first <= day <= last and self._matches(day):
                    yield day

    def minutes(self, day: date) -> Sequence[int]:
        return self.minutes_of_day

    def _matches(self, day: date) -> bool:
        of_month, of_week = day.day in self.month_days, day.weekday() in self.weekdays
        return of_month or of_week if self.either else of_month and of_week


def parse(text: str) -> CronRule:
    """Read an expression such as ``30 9 * * mon-fri``. Raises ``InvalidRule``."""
    fields = text.split() if len(text) <= LONGEST else []
    if len(fields) != len(_FIELDS):
        raise InvalidRule(
            "Write five fields: minute, hour, day of month, month and day of week, as in "
            '"30 9 * * mon-fri".'
        )
    minutes, hours, month_days, of_months, week = (
        _numbers(field, written) for field, written in zip(_FIELDS, fields, strict=True)
    )
    return CronRule(
        minutes_of_day=tuple(hour * 60 + minute for hour in sorted(hours) for minute in minutes),
        month_days=frozenset(month_days),
        months=frozenset(of_months),
        weekdays=frozenset((day + 6) % 7 for day in week),
        either=not (fields[2].startswith("*") or fields[4].startswith("*")),
    )


def _numbers(field: _Field, text: str) -> list[int]:
    """Return the numbers that a field names, ascending."""
    found: set[int] = set()
    for part in text.split(","):
        span, slash, step = part.partition("/")
        low, dash, high = span.partition("-")
        if span == "*":
            first, last = field.low, field.high
        else:
            first = _number(field, low)
            last = _number(field, high) if dash else (field.high if slash else first)
        if last < first:
            raise InvalidRule(
                f"In the field {field.name}, {span!r} ends before it begins: write two ranges."
            )
        every = _whole(step) if slash else 1
        if not every:
            raise InvalidRule(f"In the field {field.name}, {part!r} needs a step from 1 on.")
        found.update(range(first, last + 1, every))
    return sorted(found)


def _number(field: _Field, text: str) -> int:
    if text.lower() in field.names:
        return field.low + field.names.index(text.lower())
    number = _whole(text)
    if number is None or not field.low <= number <= field.high:
        named = f" or {field.names[0]} to {field.names[-1]}" if field.names else ""
        raise InvalidRule(
            f"In the field {field.name}, {text!r} is none of {field.low} to {field.high}{named}."
        )
    return number


def _whole(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdecimal() and len(text) <= 4 else None
