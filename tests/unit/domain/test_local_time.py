"""The instants at which clocks show a time, in zones that set them forward and back."""

import zoneinfo
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from notifier.domain.times.local_time import earliest, instant, latest

ZONES = ("Europe/Vienna", "America/New_York", "Australia/Lord_Howe", "Pacific/Chatham")
walls = st.datetimes(datetime(2026, 1, 1), datetime(2027, 1, 1)).map(
    lambda wall: wall.replace(microsecond=0)
)


def shown(wall: str, zone: str, *, last: bool = False) -> str:
    seconds = instant(datetime.fromisoformat(wall), ZoneInfo(zone), last=last)
    return datetime.fromtimestamp(seconds, ZoneInfo(zone)).isoformat(" ")


@pytest.mark.parametrize(
    "zone, wall, at",
    [
        ("Europe/Vienna", "2026-03-29 02:30", "2026-03-29 03:00:00+02:00"),
        ("America/New_York", "2026-03-08 02:00", "2026-03-08 03:00:00-04:00"),
        ("Australia/Lord_Howe", "2026-10-04 02:10", "2026-10-04 02:30:00+11:00"),
        ("Pacific/Chatham", "2026-09-27 03:00", "2026-09-27 03:45:00+13:45"),
        ("Pacific/Apia", "2011-12-30 09:00", "2011-12-31 00:00:00+14:00"),
    ],
)
def test_a_skipped_time_is_the_end_of_the_gap(zone, wall, at):
    assert shown(wall, zone) == shown(wall, zone, last=True) == at


@pytest.mark.parametrize(
    "zone, wall, first, second",
    [
        ("Europe/Vienna", "2026-10-25 02:30", "+02:00", "+01:00"),
        ("America/New_York", "2026-11-01 01:30", "-04:00", "-05:00"),
        ("Australia/Lord_Howe", "2026-04-05 01:45", "+11:00", "+10:30"),
        ("Pacific/Chatham", "2026-04-05 03:00", "+13:45", "+12:45"),
    ],
)
def test_a_time_that_comes_twice_is_the_first_or_the_last(zone, wall, first, second):
    assert shown(wall, zone) == f"{wall}:00{first}"
    assert shown(wall, zone, last=True) == f"{wall}:00{second}"
    found = instant(datetime.fromisoformat(wall), ZoneInfo(zone))
    assert found == instant(datetime.fromisoformat(wall), ZoneInfo(zone), last=False)


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(ZONES), walls)
def test_the_clock_shows_the_time_or_the_end_of_the_gap_at_its_instant(zone, wall):
    for last in (False, True):
        there = datetime.fromtimestamp(instant(wall, ZoneInfo(zone), last=last), ZoneInfo(zone))
        before = there.replace(tzinfo=None)
        assert before == wall or (before > wall and there.utcoffset() != wall_offset(wall, zone))
    assert instant(wall, ZoneInfo(zone)) <= instant(wall, ZoneInfo(zone), last=True)


def wall_offset(wall: datetime, zone: str):
    return wall.replace(tzinfo=ZoneInfo(zone)).utcoffset()


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(sorted(zoneinfo.available_timezones())), walls)
def test_it_is_that_time_everywhere_between_the_earliest_and_the_latest(zone, wall):
    at = datetime.fromtimestamp(instant(wall, ZoneInfo(zone)), UTC)
    assert earliest(wall) <= at <= latest(wall)


def test_no_time_is_earlier_than_on_the_line_islands_or_later_than_west_of_the_date_line():
    wall = datetime(2026, 6, 5, 8)
    assert earliest(wall).timestamp() == instant(wall, ZoneInfo("Pacific/Kiritimati"))
    assert latest(wall).timestamp() == instant(wall, ZoneInfo("Etc/GMT+12"))


@pytest.mark.parametrize("zone", ZONES)
def test_a_part_of_a_second_is_kept(zone):
    wall = datetime(2026, 6, 5, 8)
    assert instant(wall.replace(microsecond=500_000), ZoneInfo(zone)) == (
        instant(wall, ZoneInfo(zone)) + 0.5
    )


def test_the_end_of_a_gap_is_found_to_the_second_from_wherever_in_it():
    for minute in range(60):
        wall = f"2026-03-29 02:{minute:02}:{minute:02}"
        assert shown(wall, "Europe/Vienna") == "2026-03-29 03:00:00+02:00"
