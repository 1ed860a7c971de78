"""On recipients' own clocks each zone gets each occurrence once, whatever happens meanwhile."""

from collections import defaultdict
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import islice, takewhile
from zoneinfo import ZoneInfo

from hypothesis import given, settings
from hypothesis import strategies as st

from notifier.domain.times.local_time import AROUND, FIRST, earliest, instant, latest
from notifier.recurrence import cron
from notifier.recurrence.local_time import shown
from notifier.recurrence.own_zones import plan
from notifier.recurrence.planning import Misfire, Plan
from notifier.recurrence.timetable import Timetable

#: The first zone and the last; changes of an hour and of half an hour, at night and at midnight,
#: in both hemispheres; offsets of half and quarter hours.
ZONES = tuple(
    ZoneInfo(name)
    for name in (
        *("Pacific/Kiritimati", "Etc/GMT+12", "Europe/Berlin", "America/New_York"),
        *("Australia/Lord_Howe", "Pacific/Chatham", "Africa/Cairo", "America/St_Johns"),
        *("America/Santiago", "Asia/Kathmandu"),
    )
)
LEAD = timedelta(minutes=16)
DAY, HOUR, MINUTE = timedelta(days=1), timedelta(hours=1), timedelta(minutes=1)
DAILY = Timetable(cron.parse("0 9 * * *"), FIRST, datetime(2000, 1, 1))
#: At noon on 1 March it is 2 March at two in the morning where it is any time first.
BEGIN = datetime(2026, 3, 1, 12, tzinfo=UTC)


def nine(day: int) -> datetime:
    """The moment at which nine o'clock of that day begins."""
    return earliest(datetime(2026, 3, day, 9))


def planned(over_until: datetime, now: datetime, misfire: Misfire = Misfire.RUN_ONCE) -> Plan:
    return plan(DAILY, over_until, now, misfire, lead=LEAD)


def test_it_is_run_so_long_before_it_is_that_time_anywhere():
    early = nine(2) - LEAD
    assert planned(BEGIN, early - timedelta(seconds=1)) == Plan(None, nine(2))
    assert planned(BEGIN, early) == Plan(nine(2), nine(3), runs=True)


def test_one_that_has_begun_is_run_late_as_long_as_it_is_still_to_come_somewhere():
    for misfire in Misfire:
        for late in (HOUR, timedelta(hours=20), AROUND - LEAD - 2 * HOUR):
            found = planned(BEGIN, nine(2) + late, misfire)
            assert found == Plan(nine(2), nine(3), runs=True)


def test_two_that_are_under_way_are_both_run_and_the_later_one_supersedes_the_earlier():
    now = nine(2) + timedelta(hours=25)
    assert planned(BEGIN, now) == Plan(nine(2), nine(3), runs=True, superseded=True)
    assert planned(nine(2), now) == Plan(nine(3), nine(4), runs=True)


def test_what_is_over_everywhere_is_missed_where_another_one_is_to_come():
    now = nine(2) + 3 * DAY + HOUR
    found = planned(BEGIN, now)
    assert found == Plan(nine(4), nine(5), runs=True, missed=2, superseded=True)
    assert planned(nine(4), now) == Plan(nine(5), nine(6), runs=True)


def test_of_what_is_over_everywhere_the_latest_is_run_once_or_none():
    table = Timetable(DAILY.rule, FIRST, datetime(2000, 1, 1), datetime(2026, 3, 4, 9))
    for misfire in Misfire:
        found = plan(table, BEGIN, nine(20), misfire, lead=LEAD)
        assert found == Plan(nine(4), None, runs=misfire is Misfire.RUN_ONCE, missed=2)


def test_it_has_expired_so_long_after_it_was_that_time_last():
    table = Timetable(DAILY.rule, FIRST, datetime(2000, 1, 1), datetime(2026, 3, 2, 9))
    over = latest(datetime(2026, 3, 2, 9))
    for now, runs in ((over + HOUR - MINUTE, True), (over + HOUR, False)):
        made = plan(table, BEGIN, now, Misfire.RUN_ONCE, lead=LEAD, expires_after=HOUR)
        assert made == Plan(nine(2), None, runs=runs)


def test_every_time_on_the_wall_begins_once_whatever_clocks_do_anywhere():
    table = Timetable(cron.parse("30 2 * * *"), FIRST, datetime(2026, 1, 1))
    found = [shown(one, FIRST) for one in islice(table.after(BEGIN), 365)]
    assert found == [datetime(2026, 3, 2, 2, 30) + day * DAY for day in range(365)]


@settings(max_examples=100, deadline=None)
@given(
    st.sampled_from(["0 9 * * *", "30 2 * * *", "15 1,2 * * *", "0 */3 * * *", "0 0 * * sun"]),
    st.datetimes(datetime(2025, 1, 1), datetime(2027, 1, 1)),
    st.lists(st.integers(1, 4_000), min_size=1, max_size=25),
    st.sampled_from(Misfire),
    st.data(),
)
def test_each_zone_gets_each_occurrence_once_over_restarts_and_changes_of_clocks(
    expression, begin, pauses, misfire, data
):
    """Between two looks the service is down for any time; a look may be lost before its commit."""
    table = Timetable(cron.parse(expression), FIRST, datetime(2000, 1, 1))
    begin = over_until = now = begin.replace(second=0, microsecond=0, tzinfo=UTC)
    got: dict[ZoneInfo, dict[datetime, datetime]] = defaultdict(dict)
    over_at: dict[datetime, datetime] = {}
    ran: list[datetime] = []
    for pause in pauses:
        now += pause * MINUTE
        while True:
            made = plan(table, over_until, now, misfire, lead=LEAD)
            assert made == plan(table, over_until, now, misfire, lead=LEAD)
            if made.occurrence is None or data.draw(st.booleans(), label="it is killed"):
                break
            over_at |= dict.fromkeys(_between(table, over_until, made.occurrence), now)
            over_until = made.occurrence
            if made.runs:
                assert made.occurrence not in ran
                ran.append(made.occurrence)
                _send(got, made, now, misfire)
    assert list(over_at) == list(_between(table, begin, over_until))
    for occurrence, looked in over_at.items():
        wall = shown(occurrence, FIRST)
        for zone in ZONES:
            there = _moment(wall, zone)
            if there >= looked:
                assert got[zone].get(wall) == there, "it was still to come there"
    for zone in ZONES:
        late = [sent for wall, sent in got[zone].items() if sent != _moment(wall, zone)]
        assert len(late) == len(set(late)), "of what has passed there, one is sent late"
        assert misfire is Misfire.RUN_ONCE or not late


def _between(table: Timetable, begin: datetime, until: datetime) -> Iterator[datetime]:
    return takewhile(lambda one: one <= until, table.after(begin))


def _send(
    got: dict[ZoneInfo, dict[datetime, datetime]], made: Plan, now: datetime, misfire: Misfire
) -> None:
    """Send an occurrence to each zone, as a notification for a local time is."""
    assert made.occurrence is not None
    wall = shown(made.occurrence, FIRST)
    for zone in ZONES:
        there = _moment(wall, zone)
        if there >= now:
            assert wall not in got[zone]
            got[zone][wall] = there
        elif misfire is Misfire.RUN_ONCE and not made.superseded:
            got[zone][wall] = now


def _moment(wall: datetime, zone: ZoneInfo) -> datetime:
    return datetime.fromtimestamp(instant(wall, zone), UTC)
