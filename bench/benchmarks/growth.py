"""Growth: CPU of a delivery, and memory, at 1,000 and at a million subscribers.

Also the seconds until the first message of each publish reaches its provider. Measured three times,
each with new processes, so that no run's memory is counted in the next.
"""

from collections.abc import Sequence
from functools import partial
from statistics import median
from typing import Any

from bench.harness.report import Bar, Report, Table
from bench.harness.service import Blast, Service

PROCESSES = ("web", "fanout", "push", "housekeeping", "beat")
SIZES = (1_000, 10_000, 100_000, 1_000_000)
QUICK_SIZES = (1_000, 10_000)
#: The size that the largest is compared with.
BASE = 10_000
MOST_CPU, MOST_MEMORY, MOST_FIRST = 1.15, 1.10, 1.0


def measure(on: Service, *, quick: bool) -> Report:
    """Publish once for each size, after three that warm up; three times."""
    sizes = QUICK_SIZES if quick else SIZES
    on.audience("warm-up", 2_000)
    for size in sizes:
        on.audience(f"growth-{size}", size)
    runs = []
    for number in range(1 if quick else 3):
        if number:
            on.restart()
        for _ in range(3):
            on.blast("warm-up", 2_000)
        runs.append([on.blast(f"growth-{size}", size) for size in sizes])
        rates = ", ".join(f"{blast.subscribers:,}: {blast.rate:,.0f}/s" for blast in runs[-1])
        print(f"  run {number + 1}: {rates}", flush=True)
    return _report(runs)


def _report(runs: Sequence[Sequence[Blast]]) -> Report:
    """Build the report: figures are medians of the runs, bars medians of each run's ratio."""
    sizes = list(zip(*runs, strict=True))  # one size's blasts, of every run
    names = list(runs[0][0].costs)
    ours = [name for name in names if name in PROCESSES]
    titles = [f"{blasts[0].subscribers:,}" for blasts in sizes]
    base = titles.index(f"{BASE:,}")
    growth = {
        name: [_memory(run[-1], name) / _memory(run[base], name) for run in runs] for name in ours
    }
    fattest = max(growth, key=lambda name: median(growth[name]))
    cpu = [run[-1].own_cpu / run[base].own_cpu for run in runs]
    first = [run[-1].first for run in runs]
    figures = Table(
        ("subscribers", *titles),
        [
            ("deliveries/s", *(f"{median(b.rate for b in blasts):,.0f}" for blasts in sizes)),
            (
                "µs CPU each, without the sink",
                *(f"{median(b.own_cpu for b in blasts):.0f}" for blasts in sizes),
            ),
            (
                "ms to the first provider call",
                *(f"{median(b.first for b in blasts) * 1000:.0f}" for blasts in sizes),
            ),
        ],
    )
    each = Table(
        ("process: µs CPU each, peak MB", *titles),
        [
            (
                name,
                *(
                    f"{median(b.cpu(name) for b in blasts):.1f}, "
                    f"{median(_memory(b, name) for b in blasts) / 1e6:.0f}"
                    for blasts in sizes
                ),
            )
            for name in names
        ],
    )
    in_runs = Table(
        (f"{titles[-1]} against {BASE:,}, in each run", *(f"{n + 1}" for n in range(len(runs)))),
        [
            ("CPU of one delivery", *(f"{times:.3f}" for times in cpu)),
            (f"peak memory of {fattest}", *(f"{times:.3f}" for times in growth[fattest])),
            ("seconds to the first provider call", *(f"{seconds:.2f}" for seconds in first)),
        ],
    )
    return Report(
        "growth",
        f"One publish to {titles[0]} … {titles[-1]} push subscribers",
        [figures, each, in_runs],
        [
            Bar(f"CPU of one delivery, times that at {BASE:,}", median(cpu), most=MOST_CPU),
            Bar(
                f"peak memory of {fattest}, times that at {BASE:,}",
                median(growth[fattest]),
                most=MOST_MEMORY,
            ),
            Bar(
                f"seconds to the first provider call of {titles[-1]}",
                median(first),
                most=MOST_FIRST,
            ),
            Bar(
                "sink's count less accepted on record",
                float(max(abs(blast.came - blast.sent) for run in runs for blast in run)),
                most=0,
            ),
        ],
        {"runs": [[_kept(blast) for blast in run] for run in runs]},
        [partial(_draw_cpu, sizes=sizes), partial(_draw_memory, sizes=sizes, names=ours)],
    )


def _memory(blast: Blast, name: str) -> float:
    return float(blast.costs[name].peak_rss)


def _kept(blast: Blast) -> dict[str, Any]:
    return {
        "subscribers": blast.subscribers,
        "deliveries_per_second": blast.rate,
        "first_seconds": blast.first,
        "cpu_us_each": {name: blast.cpu(name) for name in blast.costs},
        "peak_rss": {name: cost.peak_rss for name, cost in blast.costs.items()},
    }


def _draw_cpu(axes: Any, sizes: Sequence[Sequence[Blast]]) -> None:
    subscribers = [blasts[0].subscribers for blasts in sizes]
    axes.plot(subscribers, [median(b.own_cpu for b in blasts) for blasts in sizes], marker="o")
    axes.set(xscale="log", xlabel="subscribers", ylabel="µs of CPU for each delivery")
    axes.set_ylim(bottom=0)


def _draw_memory(axes: Any, sizes: Sequence[Sequence[Blast]], names: list[str]) -> None:
    subscribers = [blasts[0].subscribers for blasts in sizes]
    for name in names:
        peaks = [median(_memory(blast, name) for blast in blasts) / 1e6 for blasts in sizes]
        axes.plot(subscribers, peaks, marker="o", label=name)
    axes.set(xscale="log", xlabel="subscribers", ylabel="peak memory, MB")
    axes.set_ylim(bottom=0)
    axes.legend(fontsize=8)
