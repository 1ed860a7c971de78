"""Recurrence rules mean what dateutil, which many calendars use, takes them for."""

import time
from collections import Counter
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from itertools import islice, takewhile
from zoneinfo import ZoneInfo

import pytest
from dateutil.rrule import rrulestr
from hypothesis import given, settings
from hypothesis import strategies as st

from notifier.recurrence import rrule
from notifier.recurrence.rrule import RecurrenceRule
from notifier.recurrence.rules import DAY, InvalidRule
from notifier.recurrence.timetable import HORIZON_YEARS, Timetable

ZONE = ZoneInfo("UTC")
START = datetime(2026, 1, 31, 9, 30)
WEEKDAYS = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")


def occurrences(rule: str, number: int, start: datetime = START) -> list[str]:
    table = Timetable(rrule.parse(rule, start), ZONE, start)
    before = start.replace(tzinfo=UTC) - timedelta(seconds=1)
    return [f"{one:%Y-%m-%d %H:%M}" for one in islice(table.after(before), number)]


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        ("FREQ=DAILY", ["2026-01-31 09:30", "2026-02-01 09:30", "2026-02-02 09:30"]),
        ("FREQ=MONTHLY", ["2026-01-31 09:30", "2026-03-31 09:30", "2026-05-31 09:30"]),
        ("FREQ=MONTHLY;BYMONTHDAY=-1", ["2026-01-31 09:30", "2026-02-28 09:30"]),
        ("FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-1;BYHOUR=17;BYMINUTE=0",
         ["2026-02-27 17:00", "2026-03-31 17:00", "2026-04-30 17:00"]),
        ("FREQ=MONTHLY;BYDAY=2MO", ["2026-02-09 09:30", "2026-03-09 09:30"]),
        ("FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=29", ["2028-02-29 09:30", "2032-02-29 09:30"]),
        ("RRULE:FREQ=WEEKLY;INTERVAL=2;BYDAY=SA,SU",
         ["2026-01-31 09:30", "2026-02-01 09:30", "2026-02-14 09:30", "2026-02-15 09:30"]),
        ("freq=hourly;interval=5", ["2026-01-31 09:30", "2026-01-31 14:30", "2026-01-31 19:30"]),
        ("FREQ=MINUTELY;INTERVAL=90", ["2026-01-31 09:30", "2026-01-31 11:00"]),
    ],
)  # fmt: skip
def test_a_rule_occurs_when_it_says(rule, expected):
    assert occurrences(rule, len(expected)) == expected


@st.composite
def rules(draw: st.DrawFn) -> tuple[str, datetime]:
    frequency = draw(
        st.sampled_from(["MINUTELY", "HOURLY", "DAILY", "WEEKLY", "MONTHLY", "YEARLY"])
    )
    most = {"MINUTELY": 3000, "HOURLY": 100, "DAILY": 40, "WEEKLY": 9, "MONTHLY": 14, "YEARLY": 3}
    parts = [f"FREQ={frequency}", f"INTERVAL={draw(st.integers(1, most[frequency]))}"]

    def some(name: str, values: st.SearchStrategy[object], size: int = 3) -> bool:
        chosen = draw(st.lists(values, max_size=size, unique=True))
        if chosen:
            parts.append(f"{name}={','.join(map(str, chosen))}")
        return bool(chosen)

    by_month = some("BYMONTH", st.integers(1, 12))
    by_month_day = False
    if frequency != "WEEKLY":
        by_month_day = some("BYMONTHDAY", st.integers(-31, 31).filter(bool))
    days: st.SearchStrategy[object] = st.sampled_from(WEEKDAYS)
    if frequency == "MONTHLY" or (frequency == "YEARLY" and by_month):
        # All with a number or none: of "MO,1MO" dateutil makes the days that are both.
        which = (
            st.just("")
            if draw(st.booleans())
            else st.sampled_from(["1", "+2", "3", "4", "5", "-1", "-2", "-5"])
        )
        days = st.builds(lambda number, day: number + day, which, st.sampled_from(WEEKDAYS))
    by_day = some("BYDAY", days)
    if frequency == "MONTHLY" and (by_day or by_month_day) and draw(st.booleans()):
        some("BYSETPOS", st.integers(-5, 5).filter(bool), 2)
        some("BYHOUR", st.integers(0, 23), 1)
    elif draw(st.booleans()):
        some("BYHOUR", st.integers(0, 23))
        some("BYMINUTE", st.integers(0, 59))
    if draw(st.booleans()):
        parts.append(f"WKST={draw(st.sampled_from(WEEKDAYS))}")
    start = draw(st.datetimes(datetime(2024, 1, 1), datetime(2027, 12, 31)))
    return ";".join(parts), start.replace(second=0, microsecond=0)


@settings(max_examples=200, deadline=None)
@given(rules())
def test_a_rule_occurs_when_dateutil_says(made):
    text, start = made
    try:
        rule = rrule.parse(text, start)
    except InvalidRule as error:
        assert "never occurs" in str(error)
        return
    table = Timetable(rule, ZONE, start)
    ours = table.after(start.replace(tzinfo=UTC) - timedelta(seconds=1))
    far = {"FREQ=MINUTELY": 5, "FREQ=HOURLY": 60}  # it goes from one to the next
    until = start + timedelta(days=far.get(text.partition(";")[0], 1500))
    found = list(
        islice(takewhile(lambda one: one <= until, (one.replace(tzinfo=None) for one in ours)), 30)
    )
    # No more is asked for: dateutil looks as far as the year 9999 for one that never comes.
    if found:
        assert list(islice(rrulestr(text, dtstart=start), len(found))) == found, text


@pytest.mark.parametrize(
    ("rule", "said"),
    [
        ("", "no part of a rule"),
        ("INTERVAL=2", "FREQ has to be one of"),
        ("FREQ=SECONDLY", "whole minutes"),
        ("FREQ=DAILY;COUNT=3", "the field count"),
        ("FREQ=DAILY;UNTIL=20270101T000000Z", "ends_at_local"),
        ("FREQ=DAILY;BYSECOND=1", "BYSECOND"),
        ("FREQ=YEARLY;BYWEEKNO=1", "BYWEEKNO"),
        ("FREQ=DAILY;FREQ=WEEKLY", "twice"),
        ("FREQ=DAILY;INTERVAL=0", "from 1 to"),
        ("FREQ=YEARLY;INTERVAL=6", "five years"),
        ("FREQ=DAILY;INTERVAL=99999999999999999999", "from 1 to"),
        ("FREQ=DAILY;BYHOUR=24", "BYHOUR"),
        ("FREQ=DAILY;BYHOUR=", "no part"),
        ("FREQ=MONTHLY;BYMONTHDAY=0", "but 0"),
        ("FREQ=WEEKLY;BYMONTHDAY=1", "FREQ=DAILY"),
        ("FREQ=WEEKLY;BYDAY=2MO", "FREQ=MONTHLY"),
        ("FREQ=MONTHLY;BYDAY=6MO", "BYDAY"),
        ("FREQ=MONTHLY;BYDAY=0MO", "BYDAY"),
        ("FREQ=YEARLY;BYDAY=2MO", "BYMONTH"),
        ("FREQ=DAILY;BYDAY=XX", "BYDAY"),
        ("FREQ=WEEKLY;WKST=XX", "WKST"),
        ("FREQ=MONTHLY;BYSETPOS=1", "BYSETPOS"),
        ("FREQ=MINUTELY;BYSETPOS=1,2,3", "BYSETPOS"),
        ("FREQ=MONTHLY;BYDAY=MO;BYSETPOS=1;BYHOUR=1,2", "BYSETPOS"),
        ("FREQ=DAILY;BYHOUR=" + "1," * 300 + "1", "characters"),
        ("FREQ=DAILY;BYMINUTE=²", "BYMINUTE"),
    ],
)
def test_a_rule_that_is_not_supported_is_refused_with_what_to_write(rule, said):
    with pytest.raises(InvalidRule, match=said):
        rrule.parse(rule, START)


@pytest.mark.parametrize(
    "rule",
    [
        "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30",
        "FREQ=MONTHLY;INTERVAL=12;BYMONTHDAY=31;BYMONTH=4",
        "FREQ=MONTHLY;BYDAY=5FR;BYMONTHDAY=1",
        "FREQ=MINUTELY;BYMONTH=2;BYMONTHDAY=30",
        "FREQ=HOURLY;INTERVAL=24;BYHOUR=8",
        "FREQ=MONTHLY;BYMONTHDAY=" + ",".join(map(str, range(1, 32))) + ";BYDAY=5MO;BYSETPOS=9",
    ],
)
def test_a_search_for_what_never_occurs_ends_soon(rule):
    began = time.process_time()
    assert occurrences(rule, 1) == []
    assert time.process_time() - began < 0.5


@pytest.mark.parametrize(
    "rule",
    [
        # The minutes of an interval of seven are the same on all Mondays, and none of these.
        "FREQ=MINUTELY;INTERVAL=7;BYDAY=MO;BYHOUR=9;BYMINUTE=0",
        "FREQ=MINUTELY;INTERVAL=7;BYDAY=MO;BYHOUR=0,7,14,21;BYMINUTE=1,2,3,4,5,6",
        "FREQ=MINUTELY;INTERVAL=721;BYMONTH=2;BYMONTHDAY=30",
        "FREQ=HOURLY;INTERVAL=2;BYHOUR=1,3,5,7,9,11,13,15,17,19,21,23",
        "FREQ=MINUTELY;BYMONTH=2;BYMONTHDAY=30",
        "FREQ=MONTHLY;BYDAY=5FR;BYMONTHDAY=1",
    ],
)
def test_a_search_takes_a_step_for_each_day_of_the_horizon_and_few_for_minutes(rule, monkeypatch):
    days, minutes = Counter(), Counter()
    start = datetime(2026, 1, 5)
    table = Timetable(rrule.parse(rule, start), ZONE, start)
    with monkeypatch.context() as patched:
        count(patched, "_matches", days)
        count(patched, "has_minute", minutes)
        patched.setattr(rrule, "set", lambda all_: steps(all_, minutes), raising=False)
        assert next(table.after(start.replace(tzinfo=UTC)), None) is None
    assert days.total() <= (HORIZON_YEARS + 1) * 366
    assert minutes.total() <= 2 * DAY


def count(patched: pytest.MonkeyPatch, name: str, calls: Counter[str]) -> None:
    """Count the calls of a rule's method."""
    method = getattr(RecurrenceRule, name)

    def counted(*arguments: object) -> object:
        calls[name] += 1
        return method(*arguments)

    patched.setattr(RecurrenceRule, name, counted)


def steps(all_: Iterable[int], calls: Counter[str]) -> set[int]:
    found = set(all_)
    calls["hours"] += len(found)
    return found


def test_minutes_that_never_fit_the_interval_are_refused():
    start = datetime(2026, 11, 29, 0, 1)
    hours = ",".join(map(str, range(24)))
    for rule in (
        "FREQ=MINUTELY;INTERVAL=2;BYMINUTE=0",
        f"FREQ=MINUTELY;INTERVAL=2;BYMINUTE=0;BYHOUR={hours}",
        "FREQ=MINUTELY;INTERVAL=2880;BYHOUR=1",
    ):
        with pytest.raises(InvalidRule, match="never"):
            rrule.parse(rule, start)
    rrule.parse("FREQ=MINUTELY;INTERVAL=7;BYHOUR=0;BYMINUTE=0", start)
