"""Zones: a topic of a million people in 24 time zones is notified at a local time.

The time zones of the first people to be sent something are a minute apart, so that several of their
hours can be measured; the others' are hours apart, as on Earth, and nothing may be sent there
meanwhile. All are files of the benchmark's, which the service reads like those of the system.
"""

import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Any

from bench.harness import calls, service, time_zones
from bench.harness.audience import Traits, is_refused
from bench.harness.calls import Calls
from bench.harness.meter import Meter
from bench.harness.report import Bar, Report, Table
from bench.harness.service import PERSONAL, VARIABLES, Service
from stack.errors import StackError

PROCESSES = ("web", "fanout", "push", "housekeeping", "beat")
TOPIC = "zones"
ZONES = 24
#: No zone is further ahead of UTC.
FURTHEST, HOUR = 14 * 3600, 3600
#: The most seconds from a zone's hour to its first call, and the least: none is earlier.
MOST_FIRST = 5.0
WARM_UP = 2_000
#: Seconds after which the cutting, or a zone, is given up.
PATIENCE = 900.0
#: Seconds after the last measured zone in which something could be sent to others.
AFTERWARDS = 5.0


@dataclass(frozen=True, slots=True)
class Size:
    """The size of a measurement.

    ``measured``: zones that are ``apart`` seconds apart; ``ahead``: seconds from the request to the
    first one's hour.
    """

    people: int
    measured: int
    apart: int
    ahead: int


FULL, QUICK = Size(1_000_000, 8, 60, 180), Size(20_000, 3, 15, 20)


@dataclass(frozen=True, slots=True)
class Cut:
    """The cutting of the audience: ``people``, ``seconds`` from the request, CPU of each in µs."""

    people: int
    seconds: float
    cpu: float


@dataclass(frozen=True, slots=True)
class ZoneResult:
    """A zone: its ``hour`` in unix seconds, the people who are sent it, and the calls for them."""

    name: str
    hour: float
    people: int
    calls: Calls

    @property
    def first(self) -> float:
        """Seconds from its hour to the first call."""
        return self.calls.first - self.hour

    @property
    def last(self) -> float:
        """Seconds from its hour to the last call."""
        return self.calls.last - self.hour


def measure(on: Service, *, quick: bool) -> Report:
    """Publish once for a local time, and measure what becomes of the first zones' hours."""
    size = QUICK if quick else FULL
    offsets = zone_offsets(size)
    settings = time_zones.write(on.state.path("zoneinfo"), offsets)
    on.audience(TOPIC, size.people, traits=Traits(zones=tuple(offsets)))
    on.audience(f"{TOPIC}-warm-up", WARM_UP)
    on.restart(settings)
    for _ in range(3):
        on.blast(f"{TOPIC}-warm-up", WARM_UP)
    on.sink.reset()
    found = _published(on, size, offsets)
    on.restart()
    return found


def zone_offsets(size: Size) -> dict[str, int]:
    """Return the zones from east to west, with their seconds ahead of UTC."""
    near = [FURTHEST - number * size.apart for number in range(size.measured)]
    far = [FURTHEST - HOUR * (2 + number) for number in range(ZONES - size.measured)]
    return {f"Bench/{number:02}": offset for number, offset in enumerate([*near, *far])}


def _published(on: Service, size: Size, offsets: Mapping[str, int]) -> Report:
    first = math.ceil(time.time()) + size.ahead
    wall = datetime.fromtimestamp(first + FURTHEST, UTC).replace(tzinfo=None)
    began = time.time()
    with on.database() as cursor:
        with Meter(on.pids()) as meter:
            posted = on.client.publish(
                TOPIC,
                template=PERSONAL,
                variables=VARIABLES,
                channels=["push"],
                priority="low",
                send_at_local=wall.isoformat(),
            )
            people = _wait_cut(cursor, posted.id)
            seconds = time.time() - began
        cpu = sum(cost.cpu for name, cost in meter.costs.items() if name != "sink") * 1e6 / people
        print(f"  {people:,} people cut in {seconds:.1f} s", flush=True)
        measured = list(offsets)[: size.measured]
        told = 0
        for number, name in enumerate(measured):
            hour = first + number * size.apart
            told += len(range(number, size.people, ZONES))
            time.sleep(max(0.0, hour - time.time()))
            service.wait(cursor, posted.id, told, PATIENCE)
            print(f"  {name}: done {time.time() - hour:.1f} s after its hour", flush=True)
        time.sleep(AFTERWARDS)
        came = on.sink.counts().get("fcm", 0)
        by_zone = calls.by_zone(cursor, posted.id)
        others = _deliveries_elsewhere(cursor, posted.id, measured)
        on.client.cancel(posted.id)
    results = [
        ZoneResult(name, first + number * size.apart, _sent(size, number), _of(by_zone, name))
        for number, name in enumerate(measured)
    ]
    return report(size, Cut(people, seconds, cpu), results, int(came), others)


def _wait_cut(cursor: Any, notification: str) -> int:
    """Wait until the audience is cut into chunks; return the number of people in these."""
    deadline = time.monotonic() + PATIENCE
    while True:
        cursor.execute(
            "SELECT bool_and(state = 'done') FILTER (WHERE kind = 'whole'),"
            " coalesce(sum(size) FILTER (WHERE kind = 'listed'), 0)"
            " FROM delivery_chunk WHERE notification_id = %s",
            [notification],
        )
        done, people = cursor.fetchone()
        if done:
            return int(people)
        if time.monotonic() > deadline:
            raise StackError(f"after {PATIENCE:.0f} s {people:,} people were cut")
        time.sleep(service.POLL_SECONDS)


def _sent(size: Size, zone: int) -> int:
    """Return how many people in a zone, counted from 0, are sent something."""
    return sum(not is_refused(number) for number in range(zone, size.people, ZONES))


def _of(found: Mapping[str, Calls], zone: str) -> Calls:
    """Return the calls for a zone. Raises ``StackError`` where there were none."""
    if zone not in found:
        raise StackError(f"nothing was sent in {zone}, only in {', '.join(found) or 'none'}")
    return found[zone]


def _deliveries_elsewhere(cursor: Any, notification: str, zones: Sequence[str]) -> int:
    cursor.execute(
        "SELECT count(*) FROM delivery_delivery d"
        " JOIN preferences_recipient r ON r.id = d.recipient_id"
        " WHERE d.notification_id = %s AND r.time_zone <> ALL(%s)",
        [notification, list(zones)],
    )
    return int(cursor.fetchone()[0])


def report(size: Size, cut: Cut, results: Sequence[ZoneResult], came: int, others: int) -> Report:
    """Build the report. ``came``: messages at the sink; ``others``: deliveries in other zones."""
    table = Table(
        ("zone", "people", "calls", "s to the first", "s to the last", "calls/s"),
        [
            (
                zone.name,
                f"{zone.people:,}",
                f"{zone.calls.many:,}",
                f"{zone.first:.2f}",
                f"{zone.last:.2f}",
                f"{zone.calls.rate:,.0f}",
            )
            for zone in results
        ],
    )
    cutting = Table(
        ("cutting the audience", ""),
        [
            ("people", f"{cut.people:,}"),
            ("seconds from the request", f"{cut.seconds:.1f}"),
            ("µs CPU each, without the sink", f"{cut.cpu:.1f}"),
        ],
    )
    return Report(
        "zones",
        f"A publish to {size.people:,} people in {ZONES} time zones, at a local time",
        [table, cutting],
        [
            Bar(
                "seconds from a zone's hour to its first call, the longest",
                max(zone.first for zone in results),
                most=MOST_FIRST,
            ),
            Bar("… the shortest", min(zone.first for zone in results), least=0),
            Bar(
                "people that were not cut into chunks", float(abs(size.people - cut.people)), most=0
            ),
            Bar("deliveries in zones whose hour is still to come", float(others), most=0),
            Bar(
                "calls less people, in any zone",
                float(max(abs(zone.calls.many - zone.people) for zone in results)),
                most=0,
            ),
            Bar(
                "sink's count less people in these zones",
                float(abs(came - sum(zone.people for zone in results))),
                most=0,
            ),
        ],
        {
            "people": size.people,
            "zones": ZONES,
            "cut": {"seconds": cut.seconds, "cpu_us_each": cut.cpu},
            "measured": [
                {
                    "people": zone.people,
                    "seconds_to_first": zone.first,
                    "seconds_to_last": zone.last,
                    "calls_per_second": zone.calls.rate,
                }
                for zone in results
            ],
        },
        [partial(_draw, results=results)],
    )


def _draw(axes: Any, results: Sequence[ZoneResult]) -> None:
    numbers = range(1, len(results) + 1)
    for what, values in (
        ("first call", [zone.first for zone in results]),
        ("last call", [zone.last for zone in results]),
    ):
        axes.plot(numbers, values, marker="o", label=what)
    axes.axhline(MOST_FIRST, color="#999999", linestyle=":")
    axes.set(xlabel="zone, from east to west", ylabel="seconds from its hour")
    axes.set_ylim(bottom=0)
    axes.legend()
