"""Whatever happens between two looks, each occurrence is over once: run, or counted as missed."""

from datetime import UTC, datetime, timedelta
from itertools import takewhile
from zoneinfo import ZoneInfo

from hypothesis import given, settings
from hypothesis import strategies as st

from notifier.recurrence import cron
from notifier.recurrence.planning import GRACE, MOST_COUNTED, Misfire, Plan, plan
from notifier.recurrence.timetable import Timetable

DAILY = Timetable(cron.parse("0 9 * * *"), ZoneInfo("UTC"), datetime(2000, 1, 1))
BEGIN = datetime(2026, 3, 1, 12, tzinfo=UTC)


def at(day: int, hour: int = 9, minute: int = 0, second: int = 0) -> datetime:
    return datetime(2026, 3, day, hour, minute, second, tzinfo=UTC)


def test_nothing_is_run_before_it_is_due():
    assert plan(DAILY, BEGIN, at(2, 8, 59, 59), Misfire.RUN_ONCE) == Plan(None, at(2))


def test_what_is_due_is_run_and_the_next_one_follows():
    assert plan(DAILY, BEGIN, at(2, 9, 0, 1), Misfire.SKIP) == Plan(at(2), at(3), runs=True)


def test_of_several_missed_ones_the_latest_is_run_once_or_none():
    found = plan(DAILY, BEGIN, at(5, 20), Misfire.RUN_ONCE)
    assert found == Plan(at(5), at(6), runs=True, missed=3)
    assert plan(DAILY, BEGIN, at(5, 20), Misfire.SKIP) == Plan(at(5), at(6), runs=False, missed=3)


def test_one_that_is_a_little_late_is_not_missed():
    assert plan(DAILY, BEGIN, at(2) + GRACE, Misfire.SKIP).runs
    assert not plan(DAILY, BEGIN, at(2) + GRACE + timedelta(seconds=1), Misfire.SKIP).runs


def test_one_that_has_expired_is_not_run():
    hour = timedelta(hours=1)
    assert plan(DAILY, BEGIN, at(2, 9, 59), Misfire.RUN_ONCE, hour).runs
    assert not plan(DAILY, BEGIN, at(2, 10), Misfire.RUN_ONCE, hour).runs


def test_the_last_one_has_none_after_it():
    table = Timetable(DAILY.rule, DAILY.zone, datetime(2000, 1, 1), datetime(2026, 3, 3, 9))
    assert plan(table, BEGIN, at(9), Misfire.RUN_ONCE) == Plan(at(3), None, runs=True, missed=1)
    assert plan(table, at(3), at(9), Misfire.RUN_ONCE) == Plan(None, None)


def test_minutes_missed_over_years_are_counted_up_to_a_bound():
    table = Timetable(cron.parse("* * * * *"), ZoneInfo("UTC"), datetime(2000, 1, 1))
    found = plan(table, datetime(2016, 1, 1, tzinfo=UTC), at(1), Misfire.RUN_ONCE)
    assert found == Plan(at(1), at(1) + timedelta(minutes=1), runs=True, missed=MOST_COUNTED)


@settings(max_examples=80, deadline=None)
@given(
    st.sampled_from(["Europe/Berlin", "Australia/Lord_Howe", "America/New_York", "Africa/Cairo"]),
    st.sampled_from(["*/20 * * * *", "30 2 * * *", "15 1,2 * * *", "0 0 * * *"]),
    st.datetimes(datetime(2025, 1, 1), datetime(2027, 1, 1)),
    st.lists(st.integers(1, 100_000), min_size=1, max_size=20),
    st.sampled_from(Misfire),
    st.data(),
)
def test_no_occurrence_is_lost_and_none_is_run_twice_over_restarts_and_changes_of_clocks(
    zone, expression, begin, pauses, misfire, data
):
    """Between two looks the service is down for any time; a look may be lost before its commit."""
    table = Timetable(cron.parse(expression), ZoneInfo(zone), datetime(2000, 1, 1))
    begin = over_until = now = begin.replace(microsecond=0, tzinfo=UTC)
    ran: list[datetime] = []
    missed = 0
    for pause in pauses:
        now += timedelta(seconds=pause)
        made = plan(table, over_until, now, misfire)
        assert made == plan(table, over_until, now, misfire)
        if made.occurrence is None or data.draw(st.booleans(), label="it is killed"):
            continue
        over_until = made.occurrence
        missed += made.missed + (not made.runs)
        if made.runs:
            ran.append(made.occurrence)
            assert misfire is Misfire.RUN_ONCE or now - made.occurrence <= GRACE
    due = list(takewhile(lambda one: one <= over_until, table.after(begin)))
    assert len(set(ran)) == len(ran) and ran == sorted(ran)
    assert set(ran) <= set(due)
    assert len(ran) + missed == len(due), "run or missed, each of them once"


@settings(max_examples=15, deadline=None)
@given(
    st.sampled_from(["Europe/Berlin", "Australia/Lord_Howe", "Asia/Beirut"]),
    st.sampled_from([datetime(2026, 3, 28), datetime(2026, 10, 24), datetime(2026, 4, 4),
                     datetime(2026, 10, 3)]),
    st.lists(st.integers(1, 50), min_size=300, max_size=300),
)  # fmt: skip
def test_whoever_looks_often_enough_runs_every_occurrence(zone, begin, pauses):
    table = Timetable(cron.parse("*/5 * * * *"), ZoneInfo(zone), datetime(2000, 1, 1))
    over_until = now = begin.replace(tzinfo=UTC) + timedelta(hours=13)
    ran = []
    for pause in pauses:
        now += timedelta(seconds=pause)
        made = plan(table, over_until, now, Misfire.SKIP)
        if made.occurrence is not None:
            assert made.runs and not made.missed
            over_until = made.occurrence
            ran.append(made.occurrence)
    begin = begin.replace(tzinfo=UTC) + timedelta(hours=13)
    assert ran == list(takewhile(lambda one: one <= over_until, table.after(begin)))
