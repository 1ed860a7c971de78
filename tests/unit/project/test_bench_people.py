"""What the benchmarks of people's choices, of a morning and of zones set up and conclude."""

import json
import os
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest

from bench.benchmarks import morning, people, zones
from bench.benchmarks.morning import Night
from bench.benchmarks.otp import Waits
from bench.benchmarks.people import Turn
from bench.benchmarks.zones import Cut, ZoneResult
from bench.harness import calls, time_zones
from bench.harness.audience import Traits, is_refused, refused
from bench.harness.calls import Calls
from bench.harness.meter import Cost
from bench.harness.report import Report
from bench.harness.service import Blast
from bench.harness.singles import SinglesResult
from notifier.domain.times.quiet_hours import QuietHours, read
from stack.errors import StackError

NOW = datetime(2026, 11, 29, 18, 30, tzinfo=UTC)


def failing(report: Report) -> list[str]:
    return [bar.what for bar in report.bars if not bar.holds]


class Cursor:
    """A database cursor whose statement has these rows."""

    def __init__(self, *rows: tuple[object, ...]) -> None:
        self.rows = list(rows)

    def execute(self, *_: object) -> None:
        pass

    def fetchall(self) -> list[tuple[object, ...]]:
        return self.rows


# -- Audiences and calls --------------------------------------------------------------------------


def test_every_third_person_has_quiet_hours_in_a_zone_of_their_own():
    traits = Traits(zones=("A", "B"), quiet=(("C", "1"), ("D", "2")))
    assert [traits.zone(number) for number in range(7)] == ["A", "B", "C", "B", "A", "D", "A"]
    assert [traits.quiet_hours(number) for number in (1, 2, 5, 8)] == [r"\N", "1", "2", "1"]
    assert Traits().zone(2) == "UTC" and Traits().quiet_hours(2) == r"\N"


def test_those_who_are_refused_are_as_many_as_are_said_to_be():
    for subscribers in (1, 2, 99, 100, 101, 102, 1_000):
        assert sum(map(is_refused, range(subscribers))) == refused(subscribers)


def test_calls_are_counted_in_each_second_and_rated_from_the_first_to_the_last():
    found = calls.of(Cursor((100, 3, 100.5, 100.9), (102, 2, 102.1, 102.5)), "n")
    assert found == Calls(5, 100.5, 102.5, (3, 0, 2))
    assert found.rate == 2.0
    with pytest.raises(StackError, match="there were 1 calls"):
        calls.of(Cursor((100, 1, 100.5, 100.5)), "n")


def test_python_finds_zones_of_our_own_beside_the_systems(tmp_path):
    env = time_zones.write(tmp_path, {"Bench/00": 50_400, "Bench/01": 50_385, "Bench/02": -10_800})
    program = (
        "import json; from datetime import datetime; from zoneinfo import ZoneInfo\n"
        "zones = ['Bench/00', 'Bench/01', 'Bench/02', 'Europe/Vienna']\n"
        "day = datetime(2026, 12, 1)\n"
        "print(json.dumps([day.replace(tzinfo=ZoneInfo(zone)).timestamp() for zone in zones]))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], env={**os.environ, **env}, capture_output=True, check=True
    )
    midnight = datetime(2026, 12, 1, tzinfo=UTC).timestamp()
    ahead = [midnight - at for at in json.loads(done.stdout)]
    assert ahead == [50_400, 50_385, -10_800, 3_600]


# -- People ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("hours", range(0, 7 * 24, 5))
def test_it_is_quiet_for_nobody_for_hours_and_for_all_of_them_some_day(hours):
    now = NOW + timedelta(hours=hours)
    for zone, schedule in people.own_quiet_hours(now):
        found = QuietHours(read(schedule), ZoneInfo(zone)).stretch(now.timestamp())
        assert not found.quiet
        assert found.ends - now.timestamp() >= 2.9 * 3600
        assert read(schedule).longest_free < 24 * 60


def blast(cpu: float, *, came: int = 100_000) -> Blast:
    costs = {"push": Cost(cpu / 10, 1), "sink": Cost(5, 1)}  # µs each by 100,000, in seconds
    return Blast(100_000, 20, 0.1, {"accepted": 100_000}, came, costs)


def posted(cpu: float, *, came: int = 10_000) -> SinglesResult:
    return SinglesResult(10_000, 3, {"push": cpu, "sink": 40}, 0.01, 0, came)


WITHOUT = Turn(blast(150), posted(450), posted(440))
WITH = Turn(blast(165), posted(495), posted(450))


def turns(**changes: object) -> dict[str, Turn]:
    chosen = replace(WITH, **changes)
    return {"without": WITHOUT, "with": chosen, "more": replace(WITH, blast=blast(300))}


def test_what_people_choose_may_add_twelve_percent_to_a_delivery():
    assert failing(people.report(people.FULL, [turns()] * 3)) == []


@pytest.mark.parametrize(
    ("change", "what"),
    [
        ({"blast": blast(170)}, "a blast: CPU of a delivery, times that without"),
        ({"normal": posted(510)}, "normal: CPU of a delivery, times that without"),
        ({"high": posted(500)}, "high: CPU of a delivery, times that without"),
        ({"blast": blast(165, came=100_001)}, "sink's count less accepted on record"),
        ({"high": posted(450, came=9_999)}, "sink's count less accepted on record"),
    ],
)
def test_each_bar_of_people_fails_by_itself(change, what):
    assert failing(people.report(people.FULL, [turns(**change)] * 3)) == [what]


def test_ratios_of_people_are_each_runs_own():
    slow = {"without": replace(WITHOUT, blast=blast(300)), "with": replace(WITH, blast=blast(330))}
    found = people.report(people.FULL, [turns(), slow | {"more": WITH}, turns()])
    assert found.bars[0].value == pytest.approx(1.1)


# -- A morning ------------------------------------------------------------------------------------

SENT = morning.FULL.sent
ALONE, BESIDE = Waits([0.01] * 99, [0.1] * 99, 0, 0), Waits([0.01] * 99, [0.2] * 99, 0, 0)
COSTS = {"push": Cost(1, 1), "sink": Cost(1, 1)}
RUN = morning.Run(
    alone=ALONE,
    blast=Blast(1_000_000, 100, 0.1, {"accepted": SENT}, SENT, COSTS, "n"),
    by_day=Calls(SENT, 1_000.0, 1_100.0, (SENT,)),
    beside_blast=BESIDE,
    night=Night("m", 2_000.0, 90.0, COSTS),
    morning=Calls(SENT, 2_002.5, 2_107.5, (SENT,)),
    morning_costs=COSTS,
    beside_morning=BESIDE,
)


def test_a_morning_may_be_a_tenth_slower_than_a_blast():
    assert failing(morning.report(morning.FULL, [RUN] * 3)) == []


@pytest.mark.parametrize(
    ("change", "what"),
    [
        (
            {"morning": replace(RUN.morning, last=2_120.0)},
            "the morning's rate, of the blast's",
        ),
        (
            {"morning": Calls(SENT, 1_999.9, 2_099.0)},
            "seconds from the end of the quiet hours to the first call",
        ),
        ({"morning": replace(RUN.morning, many=SENT + 1)}, "calls less deliveries"),
        (
            {
                "alone": Waits([0.4] * 99, [0.6] * 99, 0, 0),
                "beside_morning": Waits([0.9] * 99, [1.1] * 99, 0, 0),
            },
            "p99 seconds of passwords in the morning",
        ),
        ({"beside_morning": replace(BESIDE, lost=1)}, "… lost"),
    ],
)
def test_each_bar_of_a_morning_fails_by_itself(change, what):
    assert failing(morning.report(morning.FULL, [replace(RUN, **change)] * 3)) == [what]


def test_passwords_three_times_as_late_in_the_morning_are_too_late():
    late = replace(RUN, beside_morning=Waits([0.01] * 99, [0.31] * 99, 0, 0))
    assert failing(morning.report(morning.FULL, [late])) == [
        "… from the request, times that alone",
        "… from the 202, times that alone",
    ]


def test_the_night_is_quiet_from_before_the_publish_until_its_end():
    end = int(NOW.timestamp())
    settings = morning._settings(morning.FULL, end)
    quiet = QuietHours(read(_with_channels(settings["NOTIFIER_QUIET_HOURS"])), ZoneInfo("UTC"))
    for minutes in (59, 30, 1):
        assert quiet.stretch(end - 60 * minutes).ends == end
    assert not quiet.stretch(end).quiet
    assert settings["NOTIFIER_QUIET_HOURS_SPREAD"] == "60"


def _with_channels(schedule: str) -> str:
    """The schedule as the service's settings write it: with the channels that it names none of."""
    return json.dumps(json.loads(schedule) | {"channels": ["push", "sms"]})


# -- Zones ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [zones.FULL, zones.QUICK])
def test_the_first_zones_are_close_and_the_others_are_hours_behind(size):
    offsets = list(zones.zone_offsets(size).values())
    assert len(offsets) == 24 and offsets[0] == 14 * 3600 and offsets[-1] >= -12 * 3600
    near = [one - other for one, other in pairwise(offsets[: size.measured])]
    assert set(near) == {size.apart}
    far = [one - other for one, other in pairwise(offsets[size.measured - 1 :])]
    assert min(far) >= 3_600


def zone(number: int, first: float = 0.8, many: int = 40_000) -> ZoneResult:
    hour = 1_000.0 + 60 * number
    return ZoneResult(f"Bench/{number:02}", hour, 40_000, Calls(many, hour + first, hour + 9))


CUT = Cut(1_000_000, 40.0, 12.0)
TOLD = [zone(number) for number in range(8)]


def test_zones_that_are_told_at_their_hours_hold():
    assert failing(zones.report(zones.FULL, CUT, TOLD, 320_000, 0)) == []


@pytest.mark.parametrize(
    ("cut", "first", "many", "came", "others", "what"),
    [
        (CUT, 5.1, 40_000, 320_000, 0, "seconds from a zone's hour to its first call, the longest"),
        (CUT, -0.1, 40_000, 320_000, 0, "… the shortest"),
        (replace(CUT, people=999_999), 0.8, 40_000, 320_000, 0, "people that were not cut"),
        (CUT, 0.8, 40_001, 320_000, 0, "calls less people, in any zone"),
        (CUT, 0.8, 40_000, 320_001, 0, "sink's count less people in these zones"),
        (CUT, 0.8, 40_000, 320_000, 1, "deliveries in zones whose hour is still to come"),
    ],
)
def test_each_bar_of_zones_fails_by_itself(cut, first, many, came, others, what):
    results = [*TOLD[:-1], zone(7, first, many)]
    [failed] = failing(zones.report(zones.FULL, cut, results, came, others))
    assert failed.startswith(what)
