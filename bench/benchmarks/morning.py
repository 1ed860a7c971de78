"""Morning: a million deliveries that wait for the end of quiet hours are sent once these end.

In turns with one publish to the same audience in the day, and with one-time passwords beside both.
What waits is due again within ``Size.spread`` seconds, far less than are needed to send it: not the
spread is measured but how fast what was deferred is sent.
"""

import math
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from statistics import median
from typing import Any, TypeVar

import orjson

from bench.benchmarks import otp
from bench.benchmarks.otp import PER_SECOND, Waits, p99, percentile
from bench.harness import calls, service
from bench.harness.audience import refused
from bench.harness.calls import Calls
from bench.harness.meter import Cost, Meter
from bench.harness.report import Bar, Report, Table
from bench.harness.service import PERSONAL, VARIABLES, Blast, Service
from notifier.domain.times.quiet_hours import DAYS
from stack.errors import StackError

T = TypeVar("T")
PROCESSES = ("web", "fanout", "fanout_high", "push", "push_high", "housekeeping", "beat")
TOPIC, PASSWORDS = "morning", "morning-otp"
#: The least rate, as a share of the blast's, and the most p99 of one-time passwords: seconds, and
#: times that alone.
LEAST_OF_BLAST, MOST_P99, MOST_TIMES = 0.9, 1.0, 3.0
WARM_UP = 2_000
#: The length of the night in minutes, and of what is left of it at least: seconds for a restart,
#: and times that a blast took.
NIGHT, RESTART, BLASTS = 60, 90.0, 1.5
#: Seconds after which a blast, or a morning, is given up.
PATIENCE = 1_800.0
#: Seconds after the end before which nothing is sent (``apps.delivery.sending.quiet_hours``).
MARGIN = 2.0
#: States of what a claim has not judged yet; what is deferred is ``retrying``.
UNJUDGED = ("queued", "sending")


@dataclass(frozen=True, slots=True)
class Size:
    """The size of a measurement.

    ``spread``: seconds after the end over which what waits is due; ``alone``: of one-time passwords
    with nothing beside them.
    """

    runs: int
    subscribers: int
    spread: int
    alone: float

    @property
    def sent(self) -> int:
        """The number of people who are sent something."""
        return self.subscribers - refused(self.subscribers)


FULL, QUICK = Size(3, 1_000_000, 60, 60.0), Size(1, 50_000, 5, 10.0)


@dataclass(frozen=True, slots=True)
class Night:
    """A publish in quiet hours: its ``id``, when these ``end``, and what deferring it took."""

    id: str
    end: float
    seconds: float
    costs: Mapping[str, Cost]


@dataclass(frozen=True, slots=True)
class Run:
    """One run: passwords alone, beside a blast and in the morning; the calls of both, their CPU."""

    alone: Waits
    blast: Blast
    by_day: Calls
    beside_blast: Waits
    night: Night
    morning: Calls
    morning_costs: Mapping[str, Cost]
    beside_morning: Waits

    @property
    def of_blast(self) -> float:
        """The morning's rate as a share of the blast's."""
        return self.morning.rate / self.by_day.rate


def measure(on: Service, *, quick: bool) -> Report:
    """Measure a blast and a morning in each run, in turns."""
    size = QUICK if quick else FULL
    on.audience(TOPIC, size.subscribers)
    on.audience(f"{TOPIC}-warm-up", WARM_UP)
    on.audience(PASSWORDS, otp.PEOPLE)
    runs = []
    for number in range(size.runs):
        runs.append(_run(on, size))
        last = runs[-1]
        print(
            f"  run {number + 1}: blast {last.by_day.rate:,.0f}/s, "
            f"morning {last.morning.rate:,.0f}/s; p99 {p99(last.alone.came) * 1000:.0f} ms alone, "
            f"{p99(last.beside_blast.came) * 1000:.0f} ms beside the blast, "
            f"{p99(last.beside_morning.came) * 1000:.0f} ms in the morning",
            flush=True,
        )
    on.restart()
    return report(size, runs)


def _run(on: Service, size: Size) -> Run:
    on.restart()
    for _ in range(3):
        on.blast(f"{TOPIC}-warm-up", WARM_UP)
    passwords = partial(otp.sent, on, topic=PASSWORDS)
    passwords(lambda passed: passed < 3)
    alone = passwords(lambda passed: passed < size.alone)
    blast, beside_blast = _beside(
        passwords, partial(on.blast, TOPIC, size.subscribers, timeout=PATIENCE)
    )
    with on.database() as cursor:
        by_day = calls.of(cursor, blast.id)
    night = _night(on, size, BLASTS * blast.seconds)
    time.sleep(max(0.0, night.end + MARGIN - time.time()))
    with Meter(on.pids()) as meter:
        _, beside_morning = _beside(passwords, partial(_drained, on, size, night.id))
    with on.database() as cursor:
        morning = calls.of(cursor, night.id)
    costs = service.by_line(meter.costs)
    return Run(alone, blast, by_day, beside_blast, night, morning, costs, beside_morning)


def _beside(
    passwords: Callable[[Callable[[float], bool]], Waits], what: Callable[[], T]
) -> tuple[T, Waits]:
    """Send one-time passwords for as long as ``what`` takes; return the results of both."""
    with ThreadPoolExecutor(1) as threads:
        doing: Future[T] = threads.submit(what)
        waits = passwords(lambda _: not doing.done())
        return doing.result(), waits


def _night(on: Service, size: Size, seconds: float) -> Night:
    """Publish in the company's quiet hours, which last long enough to defer everything.

    Raises ``StackError`` where they did not, or something was sent in them.
    """
    end = math.ceil((time.time() + RESTART + seconds) / 60) * 60
    on.restart(_settings(size, end))
    on.sink.reset()
    began = time.time()
    with on.database() as cursor, Meter(on.pids()) as meter:
        posted = on.client.publish(
            TOPIC, template=PERSONAL, variables=VARIABLES, channels=["push"], priority="low"
        )
        left = max(1.0, end - time.time())
        states = service.wait(cursor, posted.id, size.subscribers, left, UNJUDGED)
        took = time.time() - began
    if states.get("retrying") != size.sent:
        raise StackError(f"of {size.sent:,} not all wait for the end of the night: {states}")
    if came := on.sink.counts().get("fcm", 0):
        raise StackError(f"{came:,.0f} messages were sent in quiet hours")
    print(f"  a night: {size.sent / took:,.0f} deferred a second", flush=True)
    return Night(posted.id, end, took, service.by_line(meter.costs))


def _settings(size: Size, end: int) -> dict[str, str]:
    begins, ends = (datetime.fromtimestamp(at, UTC) for at in (end - 60 * NIGHT, end))
    window = {"days": list(DAYS), "from": f"{begins:%H:%M}", "to": f"{ends:%H:%M}"}
    return {
        "NOTIFIER_QUIET_HOURS": orjson.dumps({"windows": [window]}).decode(),
        "NOTIFIER_QUIET_HOURS_SPREAD": str(size.spread),
    }


def _drained(on: Service, size: Size, notification: str) -> dict[str, int]:
    """Wait until all have been sent; return their number by state."""
    with on.database() as cursor:
        states = service.wait(cursor, notification, size.subscribers, PATIENCE)
    if states.get("accepted") != size.sent:
        raise StackError(f"of {size.sent:,} not all were accepted: {states}")
    return states


def report(size: Size, runs: Sequence[Run]) -> Report:
    """Build the report: ratios are of single runs, figures and bars are medians of the runs."""
    waits = {
        "alone": [run.alone for run in runs],
        "beside the blast": [run.beside_blast for run in runs],
        "in the morning": [run.beside_morning for run in runs],
    }
    in_the_morning = median(p99(run.beside_morning.came) for run in runs)
    times, times_after = (
        median(p99(values(run.beside_morning)) / p99(values(run.alone)) for run in runs)
        for values in (_of_request, _of_acceptance)
    )
    return Report(
        "morning",
        f"{size.sent:,} deliveries that waited for the end of quiet hours",
        [_rates(size, runs), _costs(size, runs), _arrivals(waits)],
        [
            Bar(
                "the morning's rate, of the blast's",
                median(run.of_blast for run in runs),
                least=LEAST_OF_BLAST,
            ),
            Bar(
                "seconds from the end of the quiet hours to the first call",
                min(run.morning.first - run.night.end for run in runs),
                least=0,
            ),
            Bar(
                "calls less deliveries",
                float(max(abs(run.morning.many - size.sent) for run in runs)),
                most=0,
            ),
            Bar("p99 seconds of passwords in the morning", in_the_morning, most=MOST_P99),
            Bar("… from the request, times that alone", times, most=MOST_TIMES),
            Bar("… from the 202, times that alone", times_after, most=MOST_TIMES),
            Bar(
                "… lost",
                float(sum(one.lost for found in waits.values() for one in found)),
                most=0,
            ),
        ],
        {
            "subscribers": size.subscribers,
            "spread_seconds": size.spread,
            "runs": [_kept(size, run) for run in runs],
        },
        [
            partial(_draw_rates, run=runs[-1]),
            partial(
                otp.draw,
                when={
                    name: [wait for one in found for wait in one.came]
                    for name, found in waits.items()
                },
            ),
        ],
    )


def _rates(size: Size, runs: Sequence[Run]) -> Table:
    night = [size.sent / run.night.seconds for run in runs]
    blast, morning = [run.by_day.rate for run in runs], [run.morning.rate for run in runs]
    first = [run.morning.first - run.night.end for run in runs]
    last = [run.morning.last - run.night.end for run in runs]
    shares = [run.of_blast for run in runs]
    return Table(
        (f"{size.sent:,} people, spread over {size.spread} s", "median", "in each run"),
        [
            _row("a blast, deliveries/s from the first call to the last", blast),
            _row("the night, deferred/s", night),
            _row("the morning, deliveries/s from the first call to the last", morning),
            _row("… of the blast's", shares, 3),
            _row("seconds from the end of the quiet hours to the first call", first, 1),
            _row("… to the last", last, 1),
        ],
    )


def _row(name: str, values: Sequence[float], digits: int = 0) -> tuple[str, str, str]:
    each = " ".join(f"{value:,.{digits}f}" for value in values)
    return name, f"{median(values):,.{digits}f}", each


def _costs(size: Size, runs: Sequence[Run]) -> Table:
    """Tabulate CPU of each delivery; that of a blast and a morning with the passwords' in it."""
    ways: dict[str, list[Mapping[str, Cost]]] = {
        "a blast": [run.blast.costs for run in runs],
        "the night": [run.night.costs for run in runs],
        "the morning": [run.morning_costs for run in runs],
    }
    return Table(
        ("µs CPU each, passwords included", *ways),
        [
            (
                name,
                *(
                    f"{median(one[name].cpu for one in found) * 1e6 / size.sent:,.1f}"
                    for found in ways.values()
                ),
            )
            for name in runs[0].blast.costs
        ],
    )


def _arrivals(waits: Mapping[str, Sequence[Waits]]) -> Table:
    return Table(
        (f"{PER_SECOND} passwords a second, ms", "sent", "twice", "lost", "p50", "p90", "p99"),
        [
            (
                name,
                f"{len(one.came) + one.lost:,}",
                str(one.twice),
                str(one.lost),
                *(f"{percentile(one.came, percent) * 1000:,.0f}" for percent in (50, 90, 99)),
            )
            for name, found in waits.items()
            for one in found
        ],
    )


def _of_request(waits: Waits) -> list[float]:
    return waits.came


def _of_acceptance(waits: Waits) -> list[float]:
    return waits.after_acceptance


def _kept(size: Size, run: Run) -> dict[str, Any]:
    return {
        "blast_per_second": run.by_day.rate,
        "deferred_per_second": size.sent / run.night.seconds,
        "morning_per_second": run.morning.rate,
        "seconds_to_first": run.morning.first - run.night.end,
        "seconds_to_last": run.morning.last - run.night.end,
        "cpu_us_each": {
            name: {key: cost.cpu * 1e6 / size.sent for key, cost in costs.items()}
            for name, costs in (
                ("blast", run.blast.costs),
                ("night", run.night.costs),
                ("morning", run.morning_costs),
            )
        },
        "p99_seconds": {
            "alone": p99(run.alone.came),
            "beside_blast": p99(run.beside_blast.came),
            "morning": p99(run.beside_morning.came),
        },
    }


def _draw_rates(axes: Any, run: Run) -> None:
    for name, found in (("a blast", run.by_day), ("the morning", run.morning)):
        axes.plot(range(len(found.by_second)), found.by_second, label=name)
    axes.set_xlabel("seconds since the first call")
    axes.set_ylabel("calls a second, last run")
    axes.set_ylim(bottom=0)
    axes.legend()
