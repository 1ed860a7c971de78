"""When digests close, and which of those who ask for one decides."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notifier.domain import digests
from notifier.domain.digests import DAYS, Cadence, Clocks, Digest

VIENNA = ZoneInfo("Europe/Vienna")
MONDAYS_AT_NINE = Clocks("09:00", "mon")
ZONES = ("UTC", "Europe/Vienna", "America/New_York", "Asia/Kathmandu", "Australia/Lord_Howe")


def at(text, zone=VIENNA):
    return datetime.fromisoformat(text).replace(tzinfo=zone).timestamp()


def closing(digest, now, cadence=None, zone=VIENNA, clocks=MONDAYS_AT_NINE):
    found = digests.closes(digest, cadence, now, zone, clocks)
    return datetime.fromtimestamp(found, UTC).astimezone(zone).strftime("%Y-%m-%d %H:%M")


def test_a_window_is_counted_from_the_first_one():
    assert digests.closes(Digest(window=90), None, 1000.0, UTC, Clocks()) == 1090.0


def test_a_time_of_day_is_the_next_one_in_the_persons_zone():
    digest = Digest(at="17:30")
    assert closing(digest, at("2026-05-05T17:29")) == "2026-05-05 17:30"
    assert closing(digest, at("2026-05-05T17:30")) == "2026-05-06 17:30"


def test_daily_and_weekly_ones_close_when_the_company_says():
    tuesday = at("2026-05-05T10:00")
    assert closing(Digest(), tuesday, Cadence.DAILY) == "2026-05-06 09:00"
    assert closing(Digest(), tuesday, Cadence.WEEKLY) == "2026-05-11 09:00"
    assert closing(Digest(at="11:00"), tuesday, Cadence.DAILY) == "2026-05-05 11:00"
    monday = at("2026-05-11T09:00")
    assert closing(Digest(), monday, Cadence.WEEKLY) == "2026-05-18 09:00"


def test_a_skipped_time_is_the_moment_at_which_clocks_are_set_forward():
    assert closing(Digest(at="02:30"), at("2026-03-29T01:00")) == "2026-03-29 03:00"


def test_a_doubled_time_is_its_first_occurrence():
    now = at("2026-10-25T01:00")
    found = digests.closes(Digest(at="02:30"), None, now, VIENNA, Clocks())
    assert found - now == 5400


@given(
    now=st.integers(1_700_000_000, 1_900_000_000),
    zone=st.sampled_from(ZONES),
    minute=st.integers(0, 24 * 60 - 1),
    weekly=st.booleans(),
    day=st.sampled_from(DAYS),
)
def test_a_time_of_day_is_never_past_and_within_its_period(now, zone, minute, weekly, day):
    digest = Digest(at=f"{minute // 60:02}:{minute % 60:02}")
    cadence = Cadence.WEEKLY if weekly else Cadence.DAILY
    found = digests.closes(digest, cadence, float(now), ZoneInfo(zone), Clocks("09:00", day))
    assert 0 < found - now <= timedelta(days=7 if weekly else 1, hours=3).total_seconds()
    if weekly:
        wall = datetime.fromtimestamp(found, UTC).astimezone(ZoneInfo(zone))
        assert DAYS[wall.weekday()] == day


def test_the_persons_choice_changes_when_and_not_what():
    asked = Digest("likes", 60, template="likes")
    assert digests.chosen(None, asked) == asked
    assert digests.chosen(None, None) is None
    assert digests.chosen(Cadence.AT_ONCE, asked) is None
    assert digests.chosen(Cadence.HOURLY, asked) == Digest("likes", 3600, template="likes")
    assert digests.chosen(Cadence.DAILY, asked) == Digest("likes", template="likes")
    assert digests.chosen(Cadence.HOURLY, Digest(at="10:00")) == Digest(window=3600)
    assert digests.chosen(Cadence.DAILY, Digest(at="10:00")) == Digest(at="10:00")
    assert digests.chosen(Cadence.WEEKLY, None) == Digest()


def test_it_is_read_as_it_was_written():
    for digest in (Digest(), Digest("a", 60), Digest("b", at="10:00", template="c")):
        assert digests.read(digest.as_json()) == digest
        assert digests.read(digest.shown()) == digest
    assert digests.read({"window": 5, "later": "field"}) == Digest(window=5)


def test_it_is_shown_as_requests_write_it():
    assert Digest("a", 60).shown() == {"key": "a", "window": 60}
    assert Digest(at="09:30", template="t").shown() == {"key": "", "at": "09:30", "template": "t"}


def test_limits_are_those_of_the_document():
    assert (digests.SHORTEST, digests.LONGEST, digests.KEY_LIMIT) == (1, 604_800, 128)


@pytest.mark.parametrize(
    ("text", "yes"),
    [("00:00", True), ("23:59", True), ("24:00", False), ("9:00", False), ("09:60", False),
     ("09:00:00", False), ("", False)],
)  # fmt: skip
def test_times_of_day_are_hours_and_minutes(text, yes):
    assert digests.is_time(text) is yes
