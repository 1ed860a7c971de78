"""The base of a rule's forms: local days that match, and the minutes of each."""

import calendar
from collections.abc import Iterator, Sequence
from datetime import date
from typing import Protocol

#: Minutes of a day.
DAY = 24 * 60


class InvalidRule(ValueError):
    """A rule that cannot be read, or that asks for more than is supported: a sentence says why."""


class Rule(Protocol):
    """A rule: a set of minutes on the calendar of a place."""

    def days(self, first: date, last: date) -> Iterator[date]:
        """Yield the days from ``first`` to ``last`` that may have an occurrence, ascending."""

    def minutes(self, day: date) -> Sequence[int]:
        """Return the minutes after midnight at which it occurs on such a day, ascending."""


def months(first: date, last: date) -> Iterator[tuple[int, int]]:
    """Yield year and month of every month that has a day from ``first`` to ``last``."""
    year, month = first.year, first.month
    while (year, month) <= (last.year, last.month):
        yield year, month
        year, month = (year, month + 1) if month < 12 else (year + 1, 1)


def days_of(year: int, month: int) -> Iterator[date]:
    """Yield the days of a month."""
    for day in range(1, calendar.monthrange(year, month)[1] + 1):
        yield date(year, month, day)
