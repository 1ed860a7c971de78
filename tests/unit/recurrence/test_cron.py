"""Cron expressions of five fields."""

from datetime import UTC, datetime
from itertools import islice
from zoneinfo import ZoneInfo

import pytest

from notifier.recurrence import cron
from notifier.recurrence.rules import InvalidRule
from notifier.recurrence.timetable import Timetable

#: A Thursday.
START = datetime(2026, 1, 1)


def occurrences(expression: str, number: int) -> list[str]:
    table = Timetable(cron.parse(expression), ZoneInfo("UTC"), START)
    return [f"{one:%m-%d %H:%M}" for one in islice(table.after(START.replace(tzinfo=UTC)), number)]


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("30 9 * * mon-fri", ["01-01 09:30", "01-02 09:30", "01-05 09:30"]),
        ("*/20 8-9 * * *", ["01-01 08:00", "01-01 08:20", "01-01 08:40", "01-01 09:00"]),
        ("0 0 1 */3 *", ["04-01 00:00", "07-01 00:00"]),
        ("5/25 6 * JAN 7", ["01-04 06:05", "01-04 06:30", "01-04 06:55", "01-11 06:05"]),
        ("0 12 13 * 5", ["01-02 12:00", "01-09 12:00", "01-13 12:00", "01-16 12:00"]),
        ("0 12 */2 * 5", ["01-09 12:00", "01-23 12:00"]),
        ("0 0 29 2 *", ["02-29 00:00"]),
        ("0 7 * * 5-7", ["01-02 07:00", "01-03 07:00", "01-04 07:00", "01-09 07:00"]),
        ("0 7 * * Sun-Mon", ["01-04 07:00", "01-05 07:00", "01-11 07:00"]),
    ],
)
def test_an_expression_occurs_when_cron_would_run_it(expression, expected):
    assert occurrences(expression, len(expected)) == expected


@pytest.mark.parametrize(
    ("expression", "said"),
    [
        ("", "five fields"),
        ("@daily", "five fields"),
        ("0 0 9 * * *", "five fields"),
        ("60 * * * *", "minute.*0 to 59"),
        ("* 24 * * *", "hour.*0 to 23"),
        ("* * 0 * *", "day of month.*1 to 31"),
        ("* * * foo *", "jan to dec"),
        ("* * * * 8", "sun to sat"),
        ("* * * * fri-mon", "two ranges"),
        ("*/0 * * * *", "step"),
        ("*/ * * * *", "step"),
        ("*/-1 * * * *", "step"),
        ("1,,2 * * * *", "minute"),
        ("0 0 L * *", "day of month"),
        ("0 0 * * 5#2", "day of week"),
        ("٣ * * * *", "minute"),
        (" ".join(["1," * 100 + "1"] * 5), "five fields"),
    ],
)
def test_what_is_no_expression_is_refused_with_what_to_write(expression, said):
    with pytest.raises(InvalidRule, match=said):
        cron.parse(expression)


def test_a_day_that_no_month_has_never_comes():
    assert occurrences("0 0 31 2 *", 1) == []
