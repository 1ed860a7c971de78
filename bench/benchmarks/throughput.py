"""Throughput: one publish to many push subscribers, compared with HTTP alone and a naive app.

Measured in turn in one run with the same sink: the ceiling (``bench.baselines.ceiling``), the
service with every feature on, and one Celery task per subscriber (``bench.baselines.naive``).
"""

import contextlib
import json
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

from bench.baselines import ceiling, naive, naive_worker
from bench.harness import service
from bench.harness.report import Bar, Report, Table, columns
from bench.harness.service import Blast, Service
from bench.harness.sink import BEHIND
from stack.errors import StackError
from stack.supervision.process import ROOT

PROCESSES = ("web", "fanout", "push", "housekeeping", "beat")
#: The least rate, as a share of the ceiling's and as a multiple of the naive app's.
LEAST_OF_CEILING, LEAST_OF_NAIVE = 0.65, 25.0
WARM_UP = 2_000


def measure(on: Service, *, quick: bool) -> Report:
    """Measure all three in turn, three times (once if ``quick``)."""
    subscribers, naive_ones, runs = (20_000, 1_000, 1) if quick else (200_000, 2_000, 3)
    on.audience("warm-up", WARM_UP)
    on.audience("throughput", subscribers)
    on.blast("warm-up", WARM_UP)
    blasts: list[Blast] = []
    ceilings: list[tuple[float, float]] = []
    naives: list[tuple[float, float]] = []
    with naive_worker.running(on) as worker:
        for number in range(1, runs + 1):
            ceilings.append(_ceiling(on, subscribers))
            print(f"  run {number}: ceiling {ceilings[-1][0]:,.0f}/s", end="", flush=True)
            blasts.append(on.blast("throughput", subscribers))
            print(f", Notifier {blasts[-1].rate:,.0f}/s", end="", flush=True)
            naives.append(naive_worker.deliver(on, worker, naive_ones))
            print(f", naive {naives[-1][0]:,.1f}/s", flush=True)
    return _report(blasts, ceilings, naives)


def _ceiling(on: Service, requests: int) -> tuple[float, float]:
    """Return requests per second, and microseconds of CPU for each."""
    processes = service.FORMATION["push"]
    each = requests // processes
    config = Path(on.sink.config["ca_file"]).with_name("sandbox.json")
    command = [str(BEHIND), sys.executable, "-m", "bench.baselines.ceiling", str(config), str(each)]
    with contextlib.ExitStack() as stack:
        started = [
            stack.enter_context(
                subprocess.Popen(
                    command,
                    cwd=ROOT,
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    text=True,
                    start_new_session=True,  # as workers have
                )
            )
            for _ in range(processes)
        ]
        if any(process.stdout.readline() != "ready\n" for process in started):  # type: ignore[union-attr]
            raise StackError("the ceiling's client does not start")
        for process in started:
            process.stdin.write("\n")  # type: ignore[union-attr]
            process.stdin.flush()  # type: ignore[union-attr]
        results = [json.loads(process.stdout.readline()) for process in started]  # type: ignore[union-attr]
    seconds = max(one["ended"] for one in results) - min(one["began"] for one in results)
    done = each * processes
    return done / seconds, sum(one["cpu"] for one in results) * 1e6 / done


def _report(
    blasts: list[Blast], ceilings: list[tuple[float, float]], naives: list[tuple[float, float]]
) -> Report:
    rate = median(blast.rate for blast in blasts)
    of_ceiling = median(b.rate / c for b, (c, _) in zip(blasts, ceilings, strict=True))
    of_naive = median(b.rate / n for b, (n, _) in zip(blasts, naives, strict=True))
    ways = Table(
        ("way", "deliveries/s", "in each run", "µs CPU each"),
        [
            (
                f"ceiling: the wire alone, {service.FORMATION['push']} processes, "
                f"{ceiling.IN_FLIGHT} in flight",
                f"{median(c for c, _ in ceilings):,.0f}",
                " ".join(f"{c:,.0f}" for c, _ in ceilings),
                f"{median(cpu for _, cpu in ceilings):.0f}",
            ),
            (
                "Notifier, every feature on",
                f"{rate:,.0f}",
                " ".join(f"{blast.rate:,.0f}" for blast in blasts),
                f"{median(blast.own_cpu for blast in blasts):.0f}",
            ),
            (
                f"naive: a task each, {naive.PROCESSES} processes",
                f"{median(n for n, _ in naives):,.0f}",
                " ".join(f"{n:,.0f}" for n, _ in naives),
                f"{median(cpu for _, cpu in naives):.0f}",
            ),
        ],
    )
    costs = Table(
        ("process", "µs CPU each", "peak MB"),
        [
            (
                name,
                f"{median(blast.cpu(name) for blast in blasts):.1f}",
                f"{max(blast.costs[name].peak_rss for blast in blasts) / 1e6:.0f}",
            )
            for name in blasts[0].costs
        ],
    )
    last = blasts[-1]
    return Report(
        "throughput",
        f"One publish to {last.subscribers:,} push subscribers",
        [ways, costs],
        [
            Bar("of the ceiling", of_ceiling, least=LEAST_OF_CEILING),
            Bar("times the naive way", of_naive, least=LEAST_OF_NAIVE),
            Bar("sink's count less accepted on record", float(last.came - last.sent), most=0),
        ],
        {
            "subscribers": last.subscribers,
            "deliveries_per_second": rate,
            "runs": [
                {
                    "ceiling": c,
                    "notifier": blast.rate,
                    "naive": n,
                    "states": blast.states,
                    "cpu_us_each": {name: blast.cpu(name) for name in blast.costs},
                }
                for blast, (c, _), (n, _) in zip(blasts, ceilings, naives, strict=True)
            ],
        },
        _plots(rate, last, ceilings, naives),
    )


def _plots(
    rate: float,
    blast: Blast,
    ceilings: list[tuple[float, float]],
    naives: list[tuple[float, float]],
) -> list[Callable[[Any], None]]:
    rates = {
        "the wire alone": median(c for c, _ in ceilings),
        "Notifier": rate,
        "a task each": median(n for n, _ in naives),
    }
    costs = {name: blast.cpu(name) for name in blast.costs}
    return [
        partial(columns, values=rates, what="deliveries a second"),
        partial(columns, values=costs, what="µs of CPU for each delivery"),
    ]
