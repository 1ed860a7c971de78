"""People: what quiet hours, frequency caps and categories add to the cost of a delivery.

In turns in one run: without any; with them; and with the company's quiet hours beside people's own.
It is quiet for nobody meanwhile and no cap is exceeded, so that everything is sent in each way, and
what differs is the judging.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from statistics import median
from typing import Any
from zoneinfo import ZoneInfo

import orjson
import redis

from bench.harness import batches, singles
from bench.harness.audience import Traits, refused
from bench.harness.report import Bar, Report, Table, columns
from bench.harness.service import Blast, Service
from bench.harness.singles import SinglesResult
from notifier.domain.times.quiet_hours import DAYS
from notifier_client import FrequencyCap, NotifierClient
from stack import manage
from stack.errors import StackError

PROCESSES = ("web", "fanout", "push", "push_high", "housekeeping", "beat")
#: The most that a delivery may cost with all of it, as a share of one without.
MOST_TIMES = 1.12
WARM_UP = 2_000
#: The topic's category, and the one that notifications to one recipient name.
OFFERS, ORDERS = "people-offers", "people-orders"
PLAIN, CHOOSING = "people-plain", "people-choosing"
#: Far more than anybody is sent here, in windows as long as they get.
CATEGORY_CAPS = [FrequencyCap(channel="push", limit=1_000, per="week")]
COMPANY_CAPS = "push:500/hour,push:1000/day"
#: Of every tenth person.
OWN_CAPS = """
INSERT INTO preferences_frequencycap (recipient_id, channel, category, most, per, updated_at)
SELECT id, 'push', '', 900, 'day', now() FROM preferences_recipient
 WHERE user_id LIKE %s AND id %% 10 = 3
"""
#: As in a service that has counted for longer than the longest window: what Redis does not have of
#: a person was not sent, and the database is not asked.
LONG_AGO = "UPDATE delivery_frequencycount SET since = clock_timestamp() - interval '30 days'"
#: Zones of people who have quiet hours of their own: as many as there are hours.
ZONES = (
    *("Pacific/Auckland", "Pacific/Noumea", "Australia/Sydney", "Asia/Tokyo", "Asia/Shanghai"),
    *("Asia/Bangkok", "Asia/Dhaka", "Asia/Kathmandu", "Asia/Kolkata", "Asia/Karachi"),
    *("Asia/Dubai", "Europe/Istanbul", "Europe/Helsinki", "Europe/Vienna", "Europe/London"),
    *("Atlantic/Azores", "Atlantic/South_Georgia", "America/Sao_Paulo", "America/Halifax"),
    *("America/New_York", "America/Chicago", "America/Denver", "America/Los_Angeles"),
    "Pacific/Honolulu",
)
#: From now until a window begins: far longer than the benchmark takes.
AHEAD = timedelta(hours=3)


@dataclass(frozen=True, slots=True)
class Size:
    """The size of a measurement: runs, subscribers, and notifications to one recipient each."""

    runs: int
    blast: int
    singles: int


FULL, QUICK = Size(5, 100_000, 30_000), Size(1, 20_000, 2_000)


@dataclass(frozen=True, slots=True)
class Way:
    """A way to send. ``chooses``: people, categories and company have chosen something."""

    name: str
    chooses: bool
    settings: Mapping[str, str]

    @property
    def topic(self) -> str:
        return CHOOSING if self.chooses else PLAIN


@dataclass(frozen=True, slots=True)
class Turn:
    """One way in one run: a blast, and notifications to one recipient each, by priority."""

    blast: Blast
    normal: SinglesResult
    high: SinglesResult

    def cpu(self) -> dict[str, float]:
        """Return microseconds for each delivery, without the sink's, by load."""
        return {
            "a blast": self.blast.own_cpu,
            "normal": self.normal.own_cpu,
            "high": self.high.own_cpu,
        }


def measure(on: Service, *, quick: bool) -> Report:
    """Measure every way in each run, in turns."""
    size = QUICK if quick else FULL
    ways = _ways(datetime.now(UTC))
    runs = []
    key = manage.create_publisher(on.env, "people", "--scopes", "categories:write")
    with NotifierClient(on.api_url, key) as catalogue:
        _audiences(on, catalogue, size)
        for number in range(size.runs):
            # Forwards and backwards, so that a machine that gets slower favours none.
            order = ways[:: -1 if number % 2 else 1]
            turns = {way.name: _turn(on, catalogue, way, size) for way in order}
            runs.append({way.name: turns[way.name] for way in ways})
            print(f"  run {number + 1}: {_said(runs[-1])}", flush=True)
        _switch(on, catalogue, ways[0])
    return report(size, runs)


def own_quiet_hours(now: datetime) -> list[tuple[str, str]]:
    """Return zones with quiet hours as JSON, two in each, that begin hours after ``now``."""
    found = []
    for zone in ZONES:
        there = now.astimezone(ZoneInfo(zone)) + AHEAD
        week, end = _window(DAYS[:5], there, 8), _window(DAYS[5:], there, 12)
        found += [(zone, _schedule(_window(DAYS, there, 9))), (zone, _schedule(week, end))]
    return found


def _schedule(*windows: Mapping[str, object]) -> str:
    return orjson.dumps({"windows": windows, "channels": ["push", "sms"]}).decode()


def _window(days: Sequence[str], begins: datetime, hours: int) -> dict[str, object]:
    ends = begins + timedelta(hours=hours)
    return {"days": list(days), "from": f"{begins:%H:%M}", "to": f"{ends:%H:%M}"}


def _ways(now: datetime) -> list[Way]:
    caps = {"NOTIFIER_FREQUENCY_CAPS": COMPANY_CAPS}
    company = {"NOTIFIER_QUIET_HOURS": _schedule(_window(DAYS, now + AHEAD, 9))}
    return [
        Way("without", False, {}),
        Way("with", True, caps),
        Way("with the company's quiet hours, too", True, caps | company),
    ]


def _audiences(on: Service, catalogue: NotifierClient, size: Size) -> None:
    for name, kind in ((OFFERS, "promotional"), (ORDERS, "transactional")):
        catalogue.put_category(name, kind=kind)
    traits = Traits(quiet=own_quiet_hours(datetime.now(UTC)), categories=(OFFERS, ORDERS))
    for suffix, many in (("", size.blast), ("-warm-up", WARM_UP)):
        on.audience(f"{PLAIN}{suffix}", many)
        on.audience(f"{CHOOSING}{suffix}", many, traits=traits, category=OFFERS)


def _turn(on: Service, catalogue: NotifierClient, way: Way, size: Size) -> Turn:
    _switch(on, catalogue, way)
    for _ in range(3):
        on.blast(f"{way.topic}-warm-up", WARM_UP)

    def post(priority: str, many: int) -> SinglesResult:
        more: dict[str, object] = {"category": ORDERS} if way.chooses else {}
        return singles.post_batches(on, priority, many, size.singles, way.topic, **more)

    for priority in ("normal", "high"):
        post(priority, batches.SIZE)
    with on.database() as cursor:
        cursor.execute(LONG_AGO)
    turn = Turn(
        on.blast(way.topic, size.blast),
        post("normal", size.singles),
        post("high", size.singles),
    )
    if way.chooses:
        _check_counted(on, size)
    return turn


def _switch(on: Service, catalogue: NotifierClient, way: Way) -> None:
    """Have processes that have just started send in this way."""
    with on.database() as cursor:
        cursor.execute("DELETE FROM preferences_frequencycap")
        if way.chooses:
            cursor.execute(OWN_CAPS, [f"{CHOOSING}-%"])
        cursor.execute("VACUUM ANALYZE preferences_frequencycap")
    # The second, through the API: it also says that people's own are others now.
    for name, kind in ((OFFERS, "promotional"), (ORDERS, "transactional")):
        caps = CATEGORY_CAPS if way.chooses else []
        catalogue.put_category(name, kind=kind, frequency_caps=caps)
    on.restart(way.settings)


def _check_counted(on: Service, size: Size) -> None:
    """Raise ``StackError`` unless Redis has a counter for everybody who was sent something."""
    with redis.Redis.from_url(on.servers.redis_url) as client:
        counters = int(client.dbsize())
    if counters < size.blast - refused(size.blast):
        raise StackError(f"Redis has {counters:,} keys, fewer than people who were sent something")


def _said(turns: Mapping[str, Turn]) -> str:
    return "; ".join(
        f"{name} " + ", ".join(f"{load} {cpu:,.0f}" for load, cpu in turn.cpu().items())
        for name, turn in turns.items()
    )


def report(size: Size, runs: Sequence[Mapping[str, Turn]]) -> Report:
    """Build the report: ratios are of single runs, figures and bars are medians of the runs."""
    without, with_all, *_ = runs[0]
    loads = list(runs[0][without].cpu())
    cpu = {
        load: {name: [run[name].cpu()[load] for run in runs] for name in runs[0]} for load in loads
    }
    times = {
        load: {
            name: [own / base for own, base in zip(values, found[without], strict=True)]
            for name, values in found.items()
        }
        for load, found in cpu.items()
    }
    turns = [turn for run in runs for turn in run.values()]
    posted = [one for turn in turns for one in (turn.normal, turn.high)]
    return Report(
        "people",
        f"One publish to {size.blast:,}, and {size.singles:,} to one recipient each, "
        "with what people choose",
        [
            *(_times(load, cpu[load], times[load]) for load in loads),
            _costs("a blast", runs, lambda turn: _by_process(turn.blast)),
            _costs("normal", runs, lambda turn: turn.normal.cpu),
        ],
        [
            *(
                Bar(
                    f"{load}: CPU of a delivery, times that without",
                    median(times[load][with_all]),
                    most=MOST_TIMES,
                )
                for load in loads
            ),
            Bar(
                "sink's count less accepted on record",
                float(
                    max(
                        *(abs(turn.blast.came - turn.blast.sent) for turn in turns),
                        *(abs(one.came - one.many) for one in posted),
                    )
                ),
                most=0,
            ),
        ],
        {
            "subscribers": size.blast,
            "singles": size.singles,
            "runs": [{name: _kept(turn) for name, turn in run.items()} for run in runs],
        },
        [
            partial(
                columns,
                values={name: median(values) for name, values in cpu[load].items()},
                what=f"µs of CPU for each delivery, {load}",
            )
            for load in loads
        ],
    )


def _times(
    load: str, cpu: Mapping[str, Sequence[float]], times: Mapping[str, Sequence[float]]
) -> Table:
    return Table(
        (load, "µs CPU each", "in each run", "× without", "in each run"),
        [
            (
                name,
                f"{median(values):,.0f}",
                " ".join(f"{value:,.0f}" for value in values),
                f"{median(times[name]):.3f}",
                " ".join(f"{value:.3f}" for value in times[name]),
            )
            for name, values in cpu.items()
        ],
    )


def _by_process(blast: Blast) -> dict[str, float]:
    return {name: blast.cpu(name) for name in blast.costs}


def _costs(
    load: str,
    runs: Sequence[Mapping[str, Turn]],
    read: Callable[[Turn], Mapping[str, float]],
) -> Table:
    names = list(runs[0])
    return Table(
        (f"µs CPU each, {load}", *names),
        [
            (
                process,
                *(f"{median(read(run[name])[process] for run in runs):,.1f}" for name in names),
            )
            for process in read(runs[0][names[0]])
        ],
    )


def _kept(turn: Turn) -> dict[str, Any]:
    return {
        "blast": {"rate": turn.blast.rate, "cpu_us_each": _by_process(turn.blast)},
        **{
            name: {"rate": one.rate, "cpu_us_each": one.cpu}
            for name, one in (("normal", turn.normal), ("high", turn.high))
        },
    }
