"""An audience cut by zones: everybody once, at their own hour."""

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from zoneinfo import ZoneInfo

from django.test import override_settings
from hypothesis import given, settings
from hypothesis import strategies as st

from apps.delivery.fanout.local_time import LocalTimes, _Person
from notifier.domain.times.local_time import earliest

ZONES = ("UTC", "Asia/Kolkata", "Europe/Vienna", "Europe/Berlin", "Pacific/Chatham", "No/Where")
people = st.lists(st.sampled_from(ZONES), max_size=60).map(
    lambda zones: [_Person(number, zone) for number, zone in enumerate(zones, 1)]
)
walls = st.datetimes(datetime(2026, 3, 1), datetime(2026, 11, 30)).map(
    lambda wall: wall.replace(microsecond=0)
)


@settings(max_examples=200, deadline=None)
@given(people, walls, st.integers(-30, 30), st.sampled_from(["send", "skip"]))
@override_settings(CHUNK_SIZE=7, DEFAULT_TIME_ZONE="America/New_York")
def test_everybody_is_in_one_slice_that_is_due_at_their_hour(audience, wall, hours, passed):
    accepted = wall.replace(tzinfo=UTC) + timedelta(hours=hours)
    notification = SimpleNamespace(
        send_at_local=wall.isoformat(),
        send_at=earliest(wall),
        created_at=accepted,
        local_time_passed=passed,
    )
    slices = list(LocalTimes(notification).slices(audience, "listed"))
    assert sorted(number for one in slices for number in one.ids) == [p.id for p in audience]
    zones = {person.id: person.time_zone for person in audience}
    for one in slices:
        assert 1 <= len(one.ids) <= 7 and list(one.ids) == sorted(one.ids)
        for number in one.ids:
            zone = zones[number]
            home = ZoneInfo("America/New_York" if zone in ("UTC", "No/Where") else zone)
            there = datetime.fromtimestamp(one.due, home).replace(tzinfo=None)
            assert there == wall or timedelta() < there - wall <= timedelta(hours=1)
        skipped = passed == "skip" and one.due < accepted.timestamp()
        assert one.kind == ("passed" if skipped else "listed")
