"""The axis of a chart: round times on the clocks of the installation's zone."""

from datetime import UTC, datetime, timedelta

import pytest

from apps.delivery.admin.charts.ranges import DAY, HOUR, MINUTE, RANGES, Axis

SPRING = datetime(2026, 3, 29, tzinfo=UTC)  # at 1:00 UTC, 2:00 becomes 3:00 in Vienna
AUTUMN = datetime(2026, 10, 25, tzinfo=UTC)  # at 1:00 UTC, 3:00 becomes 2:00


@pytest.fixture(autouse=True)
def _vienna(settings):
    settings.DEFAULT_TIME_ZONE = "Europe/Vienna"


def labels(since: datetime, span: timedelta, step: timedelta, tick: timedelta) -> list[str]:
    return [label for _, label in Axis(since, since + span, step, tick).ticks()]


def test_ticks_are_round_on_the_zones_clocks_also_where_these_change():
    hours = ["00:00", "04:00", "08:00", "12:00", "16:00", "20:00"]
    assert labels(SPRING - HOUR, 23 * HOUR, 15 * MINUTE, 4 * HOUR) == ["29 Mar", *hours[1:]]
    assert labels(AUTUMN - 2 * HOUR, 25 * HOUR, 15 * MINUTE, 4 * HOUR) == ["25 Oct", *hours[1:]]
    axis = Axis(AUTUMN - 2 * HOUR, AUTUMN + 23 * HOUR, 15 * MINUTE, 4 * HOUR)
    [midnight, four, *_] = [place * 25 for place, _ in axis.ticks()]
    assert (midnight, four) == (0, pytest.approx(5)), "this night has an hour more"


def test_a_day_of_a_change_is_as_long_as_it_is():
    week = labels(SPRING - 2 * DAY - HOUR, 7 * DAY, HOUR, DAY)
    assert week == ["27 Mar", "28 Mar", "29 Mar", "30 Mar", "31 Mar", "01 Apr", "02 Apr", "03 Apr"]
    axis = Axis(SPRING - 2 * DAY - HOUR, SPRING + 5 * DAY - HOUR, HOUR, DAY)
    places = [place * 7 * 24 for place, _ in axis.ticks()]
    assert places == pytest.approx([0, 24, 48, 71, 95, 119, 143, 167])


def test_moments_tell_an_hour_from_its_repetition():
    axis = Axis(AUTUMN, AUTUMN + 3 * HOUR, HOUR, HOUR)
    assert [f"{moment:%H:%M %Z}" for moment in axis.moments()] == [
        *("02:00 CEST", "02:00 CET", "03:00 CET")
    ]


def test_an_hour_that_is_skipped_begins_at_its_end():
    assert labels(SPRING, 3 * HOUR, MINUTE, 30 * MINUTE) == [
        *("01:00", "01:30", "03:00", "03:30", "04:00", "04:30")
    ]


def test_the_range_is_said_with_its_zone():
    axis = Axis(SPRING, SPRING + 2 * HOUR, MINUTE, 10 * MINUTE)
    assert axis.title() == (
        "29 Mar 2026 01:00:00 CET to 29 Mar 2026 04:00:00 CEST, on the clocks of Europe/Vienna"
    )


@pytest.mark.parametrize("zone", ["Asia/Kathmandu", "America/Sao_Paulo", "Australia/Lord_Howe"])
def test_every_range_has_ticks_in_every_zone(settings, zone: str):
    settings.DEFAULT_TIME_ZONE = zone
    for one in RANGES:
        for day in range(0, 366, 7):
            until = SPRING + timedelta(days=day)
            axis = Axis(until - one.span, until, one.step, one.tick)
            found = [place for place, _ in axis.ticks()]
            assert found == sorted(found)
            assert 4 <= len(found) <= 8, (one.name, until, found)
            assert all(0 <= place < 1 for place in found)
