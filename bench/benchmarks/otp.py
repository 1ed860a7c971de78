"""One-time passwords during a blast: seconds from the request to the provider.

20 high-priority notifications per second, each to one recipient's phone, alone and then while a
low-priority publish goes to many on the same cores.
"""

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from statistics import median, quantiles
from typing import Any

from bench.harness import paced
from bench.harness.report import Bar, Report, Table
from bench.harness.service import PERSONAL, VARIABLES, Blast, Service
from stack.errors import StackError

PROCESSES = ("web", "fanout", "fanout_high", "push", "push_high", "housekeeping", "beat")
PER_SECOND = 20
PEOPLE = 1_000
SENDERS = 16
#: Seconds without an arrival after which missing messages are lost.
LOST_AFTER = 60.0
#: Bars of the p99 during a blast: seconds, and a multiple of the p99 without one.
MOST_P99, MOST_TIMES = 1.0, 3.0


@dataclass(frozen=True, slots=True)
class Waits:
    """Seconds from the time at which each request was due, in the order of the requests.

    ``accepted``: until its 202; ``came``: until the message reached the provider. ``twice``: the
    number of messages that came more than once; ``lost``: that never came.
    """

    accepted: list[float]
    came: list[float]
    twice: int
    lost: int

    @property
    def after_acceptance(self) -> list[float]:
        """Seconds from each 202 to the message's arrival; 0 where that is earlier."""
        return [
            max(0.0, came - accepted)
            for came, accepted in zip(self.came, self.accepted, strict=True)
        ]


@dataclass(frozen=True, slots=True)
class Run:
    """One run: alone, then for as long as the blast took."""

    alone: Waits
    during: Waits
    blast: Blast


def measure(on: Service, *, quick: bool) -> Report:
    """Measure alone and with a blast, in turn."""
    runs, subscribers, alone_for = (1, 20_000, 10.0) if quick else (3, 200_000, 60.0)
    on.audience("otp", PEOPLE)
    on.audience("otp-blast", subscribers)
    on.blast("otp", PEOPLE)
    sent(on, lambda passed: passed < 3, "otp")  # warms up every process
    results = []
    for number in range(runs):
        results.append(_run(on, subscribers, alone_for))
        alone, during = (
            p99(waits.came) * 1000 for waits in (results[-1].alone, results[-1].during)
        )
        print(f"  run {number + 1}: p99 {alone:.0f} ms alone, {during:.0f} ms beside", flush=True)
    return _report(results)


def _run(on: Service, subscribers: int, alone_for: float) -> Run:
    alone = sent(on, lambda passed: passed < alone_for, "otp")
    blasts: list[Blast] = []
    blasting = threading.Thread(
        target=lambda: blasts.append(on.blast("otp-blast", subscribers)), daemon=True
    )
    blasting.start()
    during = sent(on, lambda _: blasting.is_alive(), "otp")
    if not blasts:
        raise StackError("the blast failed: see above")
    return Run(alone, during, blasts[0])


def sent(
    on: Service,
    more: Callable[[float], bool],
    topic: str,
    *,
    per_second: int = PER_SECOND,
    senders: int = SENDERS,
) -> Waits:
    """Send one-time passwords to 90 subscribers of the topic who refuse nothing.

    See ``bench.harness.audience``. Their times count from when each was due. ``more``, ``senders``:
    see ``bench.harness.paced``.
    """

    def body(_: float, number: int) -> dict[str, object]:
        return {
            "user_id": f"{topic}-{2 + number % 90}",
            "template": {"name": PERSONAL, "variables": VARIABLES},
            "channels": ["push"],
            "priority": "high",
        }

    posted = paced.post(on, body, more, name=topic, per_second=per_second, senders=senders)
    return _arrived(on, {one.id: (one.at, one.answered) for one in posted})


def _arrived(on: Service, meant: dict[str, tuple[float, float]]) -> Waits:
    """Wait until all have arrived, or none for a minute: then the others are lost."""
    missing, deadline = len(meant), time.monotonic() + LOST_AFTER
    while meant.keys() - (came := on.sink.urgent()).keys():
        if (now := len(meant.keys() - came.keys())) < missing:
            missing, deadline = now, time.monotonic() + LOST_AFTER
        if time.monotonic() > deadline:
            break
        time.sleep(0.2)
    there = {key: times for key, times in meant.items() if key in came}
    return Waits(
        [answered - at for at, answered in there.values()],
        [min(came[key]) - at for key, (at, _) in there.items()],
        sum(len(came[key]) - 1 for key in there),
        len(meant) - len(there),
    )


def percentile(waits: Sequence[float], percent: int) -> float:
    """Return the least wait that so many percent do not exceed."""
    return quantiles(waits, n=100, method="inclusive")[percent - 1]


def p99(waits: Sequence[float]) -> float:
    """Return the 99th percentile."""
    return percentile(waits, 99)


def _report(results: Sequence[Run]) -> Report:
    """Build the report: bars are medians of the runs, the table has every run."""
    subscribers = results[0].blast.subscribers
    beside = f"while {subscribers:,} are told"
    rows = []
    for start, values in (("request", _of_request), ("202", _of_acceptance)):
        for name, waits in (
            ("alone", [run.alone for run in results]),
            (beside, [run.during for run in results]),
        ):
            rows += [
                (
                    f"{name}, from the {start}",
                    str(len(one.came)),
                    str(one.twice),
                    str(one.lost),
                    *(f"{percentile(values(one), percent) * 1000:.0f}" for percent in (50, 90, 99)),
                    f"{max(values(one)) * 1000:.0f}",
                )
                for one in waits
            ]
    table = Table(
        ("ms to the provider", "sent", "came twice", "lost", "p50", "p90", "p99", "max"), rows
    )
    rates = " ".join(f"{run.blast.rate:,.0f}" for run in results)
    beside_blast = median(p99(run.during.came) for run in results)
    times, times_after = (
        median(p99(values(run.during)) / p99(values(run.alone)) for run in results)
        for values in (_of_request, _of_acceptance)
    )
    return Report(
        "otp",
        f"One-time passwords, {PER_SECOND} a second, alone and under a blast",
        [table, Table(("the blasts", "deliveries/s"), [("push, low", rates)])],
        [
            Bar("p99 seconds from the request, under the blast", beside_blast, most=MOST_P99),
            Bar("lost", float(sum(run.alone.lost + run.during.lost for run in results)), most=0),
            Bar("p99 from the request, times that alone", times, most=MOST_TIMES),
            Bar("p99 from the 202, times that alone", times_after, most=MOST_TIMES),
        ],
        {
            "runs": [
                {
                    "alone": _rounded(run.alone),
                    "under_blast": _rounded(run.during),
                    "blast_deliveries_per_second": run.blast.rate,
                }
                for run in results
            ]
        },
        [
            partial(
                draw,
                when={
                    "alone": [wait for run in results for wait in run.alone.came],
                    beside: [wait for run in results for wait in run.during.came],
                },
            )
        ],
    )


def _of_request(waits: Waits) -> list[float]:
    return waits.came


def _of_acceptance(waits: Waits) -> list[float]:
    return waits.after_acceptance


def _rounded(waits: Waits) -> dict[str, object]:
    return {
        "seconds_to_202": [round(wait, 3) for wait in waits.accepted],
        "seconds_to_provider": [round(wait, 3) for wait in waits.came],
        "came_twice": waits.twice,
        "lost": waits.lost,
    }


def draw(axes: Any, when: dict[str, list[float]]) -> None:
    """Draw how many percent had come by when, by name."""
    for name, waits in when.items():
        ordered = sorted(waits)
        share = [100 * (place + 1) / len(ordered) for place in range(len(ordered))]
        axes.step([wait * 1000 for wait in ordered], share, where="post", label=name)
    axes.set_xscale("log")
    axes.set_xlabel("ms from the request to the provider")
    axes.set_ylabel("% that came by then")
    axes.axvline(MOST_P99 * 1000, color="#999999", linestyle=":")
    axes.legend()
