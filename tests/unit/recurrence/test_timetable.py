"""Timetables over changes of clocks."""

from datetime import UTC, date, datetime, timedelta
from itertools import islice, pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from notifier.recurrence import cron, rrule
from notifier.recurrence.local_time import instant, shown
from notifier.recurrence.timetable import Timetable

#: Zones with changes of an hour and of half an hour, at midnight and in the night, in both
#: hemispheres; with offsets of half and quarter hours; one that skipped a whole day; one without
#: changes.
ZONES = (
    *("Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Africa/Cairo"),
    *("America/St_Johns", "Asia/Kathmandu", "America/Santiago", "Pacific/Apia"),
    *("Africa/Casablanca", "Asia/Beirut", "UTC"),
)
zones = st.sampled_from(ZONES).map(ZoneInfo)
minutes = st.datetimes(datetime(2010, 1, 1), datetime(2035, 1, 1)).map(
    lambda one: one.replace(second=0, microsecond=0)
)


def timetable(expression: str, zone: str, start: str = "2000-01-01", end: str = "") -> Timetable:
    return Timetable(
        cron.parse(expression),
        ZoneInfo(zone),
        datetime.fromisoformat(start),
        datetime.fromisoformat(end) if end else None,
    )


def after(table: Timetable, moment: str, number: int) -> list[str]:
    found = islice(table.after(datetime.fromisoformat(moment)), number)
    return [one.astimezone(table.zone).isoformat(timespec="minutes") for one in found]


def test_a_skipped_time_occurs_at_the_end_of_what_was_skipped():
    table = timetable("30 2 * * *", "Europe/Berlin")
    assert after(table, "2026-03-28T12:00Z", 2) == [
        "2026-03-29T03:00+02:00",
        "2026-03-30T02:30+02:00",
    ]


def test_several_skipped_times_are_one_occurrence():
    table = timetable("*/20 1-3 * * *", "Europe/Berlin")
    assert after(table, "2026-03-29T00:20Z", 4) == [
        "2026-03-29T01:40+01:00",
        "2026-03-29T03:00+02:00",
        "2026-03-29T03:20+02:00",
        "2026-03-29T03:40+02:00",
    ]


def test_a_doubled_time_occurs_the_first_time_only():
    table = timetable("30 2 * * *", "Europe/Berlin")
    assert after(table, "2026-10-24T12:00Z", 2) == [
        "2026-10-25T02:30+02:00",
        "2026-10-26T02:30+01:00",
    ]


def test_what_recurs_through_a_doubled_hour_pauses_for_its_second_half():
    table = timetable("*/30 * * * *", "Europe/Berlin")
    assert after(table, "2026-10-24T23:59Z", 4) == [
        "2026-10-25T02:00+02:00",
        "2026-10-25T02:30+02:00",
        "2026-10-25T03:00+01:00",
        "2026-10-25T03:30+01:00",
    ]
    assert after(table, "2026-10-25T01:15Z", 1) == ["2026-10-25T03:00+01:00"], "asked in it"


def test_half_an_hour_is_skipped_and_doubled_at_lord_howe():
    table = timetable("15 2 * * *", "Australia/Lord_Howe")
    assert after(table, "2026-10-03T00:00Z", 2) == [
        "2026-10-04T02:30+11:00",
        "2026-10-05T02:15+11:00",
    ]
    early = timetable("45 1 * * *", "Australia/Lord_Howe")
    assert after(early, "2026-04-04T00:00Z", 2) == [
        "2026-04-05T01:45+11:00",
        "2026-04-06T01:45+10:30",
    ]


def test_a_midnight_that_is_skipped_and_a_day_that_is_skipped_occur_once():
    cairo = timetable("0 0 * * *", "Africa/Cairo")
    assert after(cairo, "2026-04-23T12:00Z", 2) == [
        "2026-04-24T01:00+03:00",
        "2026-04-25T00:00+03:00",
    ]
    apia = timetable("0 9 * * *", "Pacific/Apia")
    assert after(apia, "2011-12-29T12:00Z", 3) == [
        "2011-12-29T09:00-10:00",
        "2011-12-31T00:00+14:00",
        "2011-12-31T09:00+14:00",
    ]


def test_start_and_end_are_included_and_local():
    table = timetable("0 9 * * *", "Asia/Kathmandu", "2026-05-02T09:00", "2026-05-03T09:00")
    assert after(table, "2026-01-01T00:00Z", 9) == [
        "2026-05-02T09:00+05:45",
        "2026-05-03T09:00+05:45",
    ]


@settings(max_examples=300, deadline=None)
@given(minutes, zones)
def test_local_times_have_one_moment_each_and_both_ascend_together(local, zone):
    moment = instant(local, zone)
    there = shown(moment, zone)
    assert there >= local, "a skipped time is at the end of what was skipped"
    just_before = shown(moment - timedelta(minutes=1), zone)
    if there != local:
        assert just_before < local, "and the clocks went past it"
    assert instant(local + timedelta(minutes=1), zone) >= moment


@settings(max_examples=150, deadline=None)
@given(minutes, zones, st.sampled_from(["0 * * * *", "*/15 0-4 * * *", "30 2 * * *", "0 0 1 * *"]))
def test_every_local_time_of_a_rule_is_an_occurrence_and_none_comes_twice(local, zone, expression):
    table = Timetable(cron.parse(expression), zone, datetime(2000, 1, 1))
    begin = local.replace(tzinfo=UTC)
    found = list(islice(table.after(begin), 60))
    assert all(one < two for one, two in pairwise(found)) and found[0] > begin
    day, last = shown(begin, zone).date(), shown(found[-1], zone)
    expected = set()
    while day <= last.date():
        for minute in table.rule.minutes(day) if _is_day(table, day) else ():
            wall = datetime.combine(day, datetime.min.time()) + timedelta(minutes=minute)
            if begin < instant(wall, zone) <= found[-1]:
                expected.add(instant(wall, zone))
        day += timedelta(days=1)
    assert set(found) == expected


def _is_day(table: Timetable, day: date) -> bool:
    return list(table.rule.days(day, day)) == [day]


@settings(max_examples=150, deadline=None)
@given(
    minutes,
    zones,
    st.sampled_from(["FREQ=MINUTELY;INTERVAL=7", "FREQ=DAILY;BYHOUR=2;BYMINUTE=30",
                     "FREQ=MONTHLY;BYDAY=-1SU;BYHOUR=0,1,2,3", "FREQ=YEARLY"]),
    st.integers(0, 200),
    st.integers(0, 120),
)  # fmt: skip
def test_the_latest_occurrence_is_the_last_one_that_came(local, zone, rule, number, later):
    table = Timetable(rrule.parse(rule, datetime(2009, 6, 1, 1, 30)), zone, datetime(2009, 6, 1))
    found = list(islice(table.after(local.replace(tzinfo=UTC)), number + 2))
    if len(found) < number + 2:
        return
    until = found[number] + timedelta(minutes=later)
    came = [one for one in found if one <= until]
    if len(came) < len(found):
        assert table.latest(found[0], until) == came[-1]
    assert table.latest(found[0], found[number]) == found[number]


def test_the_latest_occurrence_of_a_minute_by_minute_rule_is_found_at_once():
    table = timetable("* * * * *", "Europe/Berlin")
    since, until = datetime(2016, 1, 1, tzinfo=UTC), datetime(2026, 1, 1, 0, 0, 30, tzinfo=UTC)
    assert table.latest(since, until) == datetime(2026, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize("start", ["1970-01-01", "9990-01-01"])
def test_the_end_of_the_calendar_ends_a_search(start):
    table = Timetable(cron.parse("0 0 30 2 *"), ZoneInfo("UTC"), datetime.fromisoformat(start))
    assert list(table.after(datetime(2026, 1, 1, tzinfo=UTC))) == []
