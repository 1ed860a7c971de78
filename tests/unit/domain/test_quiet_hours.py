"""Quiet hours in zones whose clocks change: when it is quiet, and until when."""

import json
from datetime import datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from notifier.domain.times.quiet_hours import (
    DAYS,
    DISTURBING,
    HORIZON,
    InvalidSchedule,
    QuietHours,
    Schedule,
    Window,
    parse,
    read,
)
from tests.support.wall_clocks import walls_quiet

CHANNELS = ("push", "sms", "email", "webhook", "inbox")
DAY = 86_400
#: Zones, each with a day in 2026 on which its clocks are set forward, and one on which they are set
#: back: by an hour, on the southern half, by half an hour, and from 45 minutes past.
CHANGES = {
    "Europe/Vienna": ("2026-03-29", "2026-10-25"),
    "America/New_York": ("2026-03-08", "2026-11-01"),
    "Australia/Lord_Howe": ("2026-10-04", "2026-04-05"),
    "Pacific/Chatham": ("2026-09-27", "2026-04-05"),
}


def at(text: str, zone: str = "UTC", fold: int = 0) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone), fold=fold).timestamp()


def shown(seconds: float, zone: str) -> str:
    return datetime.fromtimestamp(seconds, ZoneInfo(zone)).isoformat(" ")


def hours(zone: str, *windows: tuple[str, str, str]) -> QuietHours:
    rows = [{"days": days.split(), "from": begins, "to": ends} for days, begins, ends in windows]
    return QuietHours(parse({"windows": rows}, CHANNELS), ZoneInfo(zone))


def end(quiet: QuietHours, seconds: float) -> str:
    found = quiet.stretch(seconds)
    return shown(found.ends, quiet.zone.key) if found.quiet else ""


EVERY = " ".join(DAYS)


def test_a_window_over_midnight_belongs_to_the_day_on_which_it_begins():
    quiet = hours("Europe/Vienna", ("fri", "22:00", "07:00"))
    assert not end(quiet, at("2026-06-05 21:59:59", "Europe/Vienna"))
    assert end(quiet, at("2026-06-05 22:00", "Europe/Vienna")) == "2026-06-06 07:00:00+02:00"
    assert end(quiet, at("2026-06-06 06:59:59", "Europe/Vienna")) == "2026-06-06 07:00:00+02:00"
    assert not end(quiet, at("2026-06-06 07:00", "Europe/Vienna"))
    assert not end(quiet, at("2026-06-06 22:00", "Europe/Vienna"))


def test_windows_that_meet_or_overlap_are_one_stretch():
    quiet = hours(
        "UTC",
        ("fri", "22:00", "24:00"),
        ("sat", "00:00", "08:00"),
        ("sat", "7:00".zfill(5), "10:00"),
    )
    assert end(quiet, at("2026-06-05 22:00")) == "2026-06-06 10:00:00+00:00"


def test_a_whole_weekend_is_quiet():
    quiet = hours("Asia/Kolkata", ("sat sun", "00:00", "24:00"))
    saturday = at("2026-06-06 12:00", "Asia/Kolkata")
    assert end(quiet, saturday) == "2026-06-08 00:00:00+05:30"
    assert not end(quiet, at("2026-06-08 00:00", "Asia/Kolkata"))


def test_a_window_that_ends_in_a_skipped_hour_ends_when_the_clocks_are_set_forward():
    quiet = hours("Europe/Vienna", (EVERY, "01:00", "02:30"))
    assert end(quiet, at("2026-03-29 01:30", "Europe/Vienna")) == "2026-03-29 03:00:00+02:00"
    quiet = hours("Australia/Lord_Howe", (EVERY, "01:00", "02:15"))
    found = end(quiet, at("2026-10-04 01:30", "Australia/Lord_Howe"))
    assert found == "2026-10-04 02:30:00+11:00"


def test_a_window_in_a_skipped_hour_is_none_that_day():
    quiet = hours("Europe/Vienna", (EVERY, "02:00", "03:00"))
    assert not end(quiet, at("2026-03-29 01:59:59", "Europe/Vienna"))
    assert not end(quiet, at("2026-03-29 03:00", "Europe/Vienna"))
    assert end(quiet, at("2026-03-30 02:00", "Europe/Vienna"))


def test_an_hour_that_comes_twice_is_one_stretch():
    quiet = hours("Europe/Vienna", (EVERY, "02:00", "03:00"))
    first, second = (at("2026-10-25 02:30", "Europe/Vienna", fold) for fold in (0, 1))
    assert second - first == 3600
    assert end(quiet, first) == end(quiet, second) == "2026-10-25 03:00:00+01:00"
    assert quiet.stretch(first).ends - quiet.stretch(first).begins == 7200
    quiet = hours("Europe/Vienna", (EVERY, "01:00", "02:30"))
    assert end(quiet, at("2026-10-25 01:00", "Europe/Vienna")) == "2026-10-25 02:30:00+01:00"


@pytest.mark.parametrize(
    "zone, day, ends",
    [
        # Its clocks were set half an hour forward at 2:30, for good.
        ("America/Caracas", "2016-05-01", "2016-05-01 07:00:00-04:00"),
        # It did not set them back that autumn, nor ever again.
        ("Europe/Istanbul", "2016-10-31", "2016-10-31 07:00:00+03:00"),
        ("Asia/Pyongyang", "2018-05-05", "2018-05-05 07:00:00+09:00"),
        # It left out this Friday, to be on the other side of the date line.
        ("Pacific/Apia", "2011-12-31", "2011-12-31 07:00:00+14:00"),
    ],
)
def test_a_zone_that_changes_its_rules_is_followed(zone, day, ends):
    quiet = hours(zone, (EVERY, "22:00", "07:00"))
    assert end(quiet, at(f"{day} 06:30", zone)) == ends
    assert end(quiet, at(ends[:19], zone) - 3600 * 3) == ends


def test_a_zone_whose_rules_are_others_by_now_is_judged_by_those():
    """An update of the time zones and a restart: the same schedule, in another process."""
    before, after = (
        QuietHours(Schedule((Window(frozenset(range(7)), 22 * 60, 7 * 60),)), zone)
        for zone in (ZoneInfo("Etc/GMT-4"), ZoneInfo("Etc/GMT-3"))
    )
    woken = before.deferral(at("2026-06-05 20:00"), 0.0, 600)
    assert woken is not None and after.deferral(woken, 0.0, 600) == woken + 3600
    assert after.deferral(woken + 3600, 0.0, 600) is None


schedules = st.builds(
    lambda windows: Schedule(tuple(windows)),
    st.lists(
        st.builds(
            Window,
            st.frozensets(st.integers(0, 6), min_size=1),
            st.integers(0, 1439),
            st.integers(0, 1440),
        ).filter(lambda window: window.begins != window.ends),
        max_size=5,
    ),
).filter(lambda schedule: schedule.longest_free >= 60)
near_changes = st.one_of(
    st.tuples(st.just(zone), st.sampled_from(days), st.integers(-2 * DAY, 3 * DAY))
    for zone, days in CHANGES.items()
).map(lambda found: (found[0], at(found[1], found[0]) + found[2]))


@settings(max_examples=400, deadline=None)
@given(schedules, near_changes, st.floats(0, 1), st.integers(0, 7200))
def test_no_message_is_sent_in_a_quiet_hour_and_none_is_lost(schedule, moment, share, spread):
    zone, now = moment
    quiet = QuietHours(schedule, ZoneInfo(zone))
    rounds = 0
    while (later := quiet.deferral(now, share, spread)) is not None:
        assert later > now, "the end is always in the future"
        assert later - now <= HORIZON * DAY + spread
        now = later
        rounds += 1
    assert rounds <= 2
    assert not walls_quiet(schedule, zone, now)


@settings(max_examples=400, deadline=None)
@given(schedules, near_changes)
def test_it_is_quiet_for_no_longer_than_the_wall_and_the_change_say(schedule, moment):
    zone, now = moment
    quiet = QuietHours(schedule, ZoneInfo(zone))
    if walls_quiet(schedule, zone, now):
        assert quiet.stretch(now).quiet
    elif quiet.stretch(now).quiet:
        # Only where the clocks were set back in a window: it goes on until its end comes again.
        assert any(
            ZoneInfo(zone).utcoffset(datetime.fromtimestamp(now - before, ZoneInfo(zone)))
            != ZoneInfo(zone).utcoffset(datetime.fromtimestamp(now + after, ZoneInfo(zone)))
            for before, after in ((3600, 0), (0, 3600))
        )


@settings(max_examples=200, deadline=None)
@given(schedules, near_changes, st.lists(st.integers(-10 * DAY, 10 * DAY), max_size=8))
def test_what_was_asked_before_changes_no_answer(schedule, moment, steps):
    zone, now = moment
    asked = QuietHours(schedule, ZoneInfo(zone))
    for step in steps:
        fresh = QuietHours(schedule, ZoneInfo(zone)).stretch(now + step)
        found = asked.stretch(now + step)
        assert (found.quiet, found.ends) == (fresh.quiet, fresh.ends)
        assert found.begins <= now + step < found.ends


@settings(max_examples=200)
@given(schedules)
def test_a_schedule_is_read_as_it_was_written(schedule):
    assert read(json.dumps(schedule.as_json())) == schedule


def test_what_waits_for_a_morning_is_spread_over_minutes():
    quiet = hours("UTC", (EVERY, "22:00", "07:00"))
    night, morning = at("2026-06-05 23:00"), at("2026-06-06 07:00")
    found = [quiet.deferral(night, share, 600) for share in (0.0, 0.5, 1.0)]
    assert found == [morning, morning + 300, morning + 600]


def test_the_spread_ends_before_it_is_quiet_again():
    quiet = hours("UTC", (EVERY, "22:00", "07:00"), (EVERY, "07:10", "08:00"))
    assert quiet.deferral(at("2026-06-05 23:00"), 1.0, 3600) == at("2026-06-06 07:05")


def test_a_window_that_is_skipped_takes_nothing_from_the_time_to_send_in():
    quiet = hours("Europe/Vienna", (EVERY, "22:00", "01:30"), (EVERY, "02:15", "02:45"))
    night, ends = (at(f"2026-03-{text}", "Europe/Vienna") for text in ("28 23:00", "29 01:30"))
    assert quiet.deferral(night, 1.0, 3600) == ends + 3600


def test_where_the_change_of_the_clocks_takes_the_only_free_hour_the_next_weeks_is_used():
    week = ("mon tue wed thu fri sat", "00:00", "24:00")
    quiet = hours("Europe/Vienna", week, ("sun", "00:00", "02:00"), ("sun", "03:00", "24:00"))
    sent = at("2026-03-22 03:00", "Europe/Vienna")
    assert end(quiet, sent - 1) == ""
    assert end(quiet, sent) == "2026-04-05 02:00:00+02:00"


def test_what_is_asked_of_a_morning_does_not_free_the_evening_before():
    quiet = hours("UTC", ("sun", "20:00", "19:00"))
    assert not quiet.stretch(at("2026-06-09 06:00")).quiet, "Tuesday"
    assert end(quiet, at("2026-06-08 18:30")) == "2026-06-08 19:00:00+00:00"


def test_without_windows_it_is_never_quiet():
    for windows in ((), (Window(frozenset(), 0, 60),)):
        quiet = QuietHours(Schedule(windows), ZoneInfo("UTC"))
        assert quiet.deferral(at("2026-06-05 23:00"), 0.5, 600) is None


@pytest.mark.parametrize(
    "data, path",
    [
        ([], ()),
        ({}, ("windows",)),
        ({"windows": [], "zone": "UTC"}, ("zone",)),
        ({"windows": ["22:00"]}, ("windows", 0)),
        ({"windows": [{"days": ["mon"], "from": "22:00"}]}, ("windows", 0, "to")),
        ({"windows": [{"days": [], "from": "22:00", "to": "23:00"}]}, ("windows", 0, "days")),
        ({"windows": [{"days": ["Mo"], "from": "22:00", "to": "23:00"}]}, ("windows", 0, "days")),
        ({"windows": [{"days": [1], "from": "22:00", "to": "23:00"}]}, ("windows", 0, "days")),
        ({"windows": [{"days": ["mon"], "from": "7:00", "to": "8:00"}]}, ("windows", 0, "from")),
        ({"windows": [{"days": ["mon"], "from": 22, "to": 23}]}, ("windows", 0, "from")),
        ({"windows": [{"days": ["mon"], "from": "07:00", "to": "07:00"}]}, ("windows", 0, "to")),
        ({"windows": [{"days": ["mon"], "from": "24:00", "to": "07:00"}]}, ("windows", 0, "from")),
        ({"windows": [{"days": ["mon"], "from": "٢٢:00", "to": "23:00"}]}, ("windows", 0, "from")),
        (
            {"windows": [{"days": ["mon"], "from": "22:00", "to": "23:00", "zone": "UTC"}]},
            ("windows", 0, "zone"),
        ),
        ({"windows": [], "channels": "sms"}, ("channels",)),
        ({"windows": [], "channels": 5}, ("channels",)),
        ({"windows": [], "channels": ["fax"]}, ("channels",)),
        ({"windows": [], "channels": ["inbox"]}, ("channels",)),
        ({"windows": [{"days": ["mon"], "from": "22:00", "to": "07:00"}] * 22}, ("windows",)),
        ({"windows": [{"days": list(DAYS), "from": "00:00", "to": "24:00"}]}, ("windows",)),
        ({"windows": [{"days": list(DAYS), "from": "00:00", "to": "23:30"}]}, ("windows",)),
        ({"windows": [{"days": list(DAYS), "from": "20:30", "to": "20:00"}]}, ("windows",)),
    ],
)
def test_a_schedule_that_cannot_be_used_is_refused_at_the_place_that_is_wrong(data, path):
    with pytest.raises(InvalidSchedule) as refused:
        parse(data, CHANNELS)
    assert refused.value.path == path
    assert str(refused.value).endswith("."), "a sentence"


def test_three_windows_a_day_can_be_given():
    rows = [
        {"days": [day], "from": f"{hour:02}:00", "to": f"{hour:02}:30"}
        for day in DAYS
        for hour in (8, 12, 16)
    ]
    assert len(parse({"windows": rows}, CHANNELS).windows) == 21


@pytest.mark.parametrize(
    "windows, free",
    [
        ([], 7 * 1440),
        ([("mon", "22:00", "07:00")], 7 * 1440 - 540),
        ([("mon", "08:00", "12:00"), ("mon", "09:00", "10:00")], 7 * 1440 - 240),
        ([("mon", "08:00", "12:00"), ("thu", "08:00", "12:00")], 4 * 1440 - 240),
        ([(EVERY, "00:00", "23:00")], 60),
        ([(EVERY, "23:00", "22:59")], 1),
        # The last half hour of Sunday and the first of Monday.
        (
            [("mon", "00:30", "24:00"), ("tue wed thu fri sat", "00:00", "24:00")]
            + [("sun", "00:00", "23:30")],
            60,
        ),
        # What begins on Sunday goes on until Monday.
        (
            [("mon", "08:00", "24:00"), ("tue wed thu fri sat sun", "00:00", "24:00")]
            + [("sun", "22:00", "07:00")],
            60,
        ),
        ([(EVERY, "00:00", "24:00")], 0),
        ([(EVERY, "00:00", "24:00"), (EVERY, "12:00", "11:59")], 0),
    ],
)
def test_the_longest_time_without_quiet_is_that_of_the_week_that_repeats(windows, free):
    rows = tuple(
        Window(frozenset(map(DAYS.index, days.split())), minutes(begins), minutes(ends))
        for days, begins, ends in windows
    )
    assert Schedule(rows).longest_free == free


def minutes(text: str) -> int:
    return int(text[:2]) * 60 + int(text[3:])


def test_a_window_that_ends_when_it_begins_is_a_day_long():
    assert Window(frozenset({0}), 8 * 60, 8 * 60).minutes == 1440


def test_an_hour_of_the_week_must_be_free_and_is_enough():
    hours("UTC", (EVERY, "00:00", "23:00"))
    with pytest.raises(InvalidSchedule, match="an hour"):
        hours("UTC", (EVERY, "00:00", "23:01"))


def test_a_schedule_disturbs_on_push_and_sms_unless_it_names_channels():
    assert parse({"windows": []}, CHANNELS).channels == DISTURBING
    assert parse({"windows": [], "channels": ["email"]}, CHANNELS).channels == ("email",)
