"""What a delivery costs, and what memory is used, at 1,000 and at a million subscribers.

Also how long the first message of each publish takes to its provider.
"""

from functools import partial
from typing import Any

from bench.line import Blast, Line
from bench.report import Bar, Report, Table

PROCESSES = ("web", "fanout", "push", "housekeeping", "beat")
SIZES = (1_000, 10_000, 100_000, 1_000_000)
QUICK_SIZES = (1_000, 10_000)
#: What the largest is held against.
BASE = 10_000
MOST_CPU, MOST_MEMORY, MOST_FIRST = 1.15, 1.10, 1.0


def measure(on: Line, *, quick: bool) -> Report:
    """One publish of each size, after one that warms up."""
    blasts = []
    on.audience("warm-up", 2_000)
    for _ in range(3):
        on.blast("warm-up", 2_000)
    for size in QUICK_SIZES if quick else SIZES:
        on.audience(f"growth-{size}", size)
        blasts.append(on.blast(f"growth-{size}", size))
        print(f"  {size:,}: {blasts[-1].rate:,.0f}/s", flush=True)
    return _report(blasts)


def _cpu(blast: Blast) -> float:
    """Microseconds for each delivery, the sink's left out."""
    return blast.cpu() - blast.cpu("sink")


def _report(blasts: list[Blast]) -> Report:
    base = next(blast for blast in blasts if blast.subscribers == BASE)
    largest = blasts[-1]
    ours = [name for name in base.costs if name in PROCESSES]
    growth = {name: largest.costs[name].peak_rss / base.costs[name].peak_rss for name in ours}
    fattest = max(growth, key=lambda name: growth[name])
    sizes = [f"{blast.subscribers:,}" for blast in blasts]
    figures = Table(
        ("subscribers", *sizes),
        [
            ("deliveries/s", *(f"{blast.rate:,.0f}" for blast in blasts)),
            ("µs CPU each, without the sink", *(f"{_cpu(blast):.0f}" for blast in blasts)),
            ("ms to the first provider call", *(f"{blast.first * 1000:.0f}" for blast in blasts)),
            ("sink's count less accepted", *(f"{blast.came - blast.sent}" for blast in blasts)),
        ],
    )
    each = Table(
        ("process: µs CPU each, peak MB", *sizes),
        [
            (
                name,
                *(
                    f"{blast.cpu(name):.1f}, {blast.costs[name].peak_rss / 1e6:.0f}"
                    for blast in blasts
                ),
            )
            for name in base.costs
        ],
    )
    return Report(
        "growth",
        f"One publish to {sizes[0]} … {sizes[-1]} push subscribers",
        [figures, each],
        [
            Bar(
                f"CPU of one delivery, times that at {BASE:,}",
                _cpu(largest) / _cpu(base),
                most=MOST_CPU,
            ),
            Bar(
                f"peak memory of {fattest}, times that at {BASE:,}",
                growth[fattest],
                most=MOST_MEMORY,
            ),
            Bar(
                f"seconds to the first provider call of {sizes[-1]}", largest.first, most=MOST_FIRST
            ),
            Bar(
                "sink's count less accepted on record",
                float(max(abs(blast.came - blast.sent) for blast in blasts)),
                most=0,
            ),
        ],
        {
            "sizes": [
                {
                    "subscribers": blast.subscribers,
                    "deliveries_per_second": blast.rate,
                    "first_seconds": blast.first,
                    "cpu_us_each": {name: blast.cpu(name) for name in blast.costs},
                    "peak_rss": {name: cost.peak_rss for name, cost in blast.costs.items()},
                }
                for blast in blasts
            ]
        },
        [partial(_draw_cpu, blasts=blasts), partial(_draw_memory, blasts=blasts, names=ours)],
    )


def _draw_cpu(axes: Any, blasts: list[Blast]) -> None:
    sizes = [blast.subscribers for blast in blasts]
    axes.plot(sizes, [_cpu(blast) for blast in blasts], marker="o")
    axes.set(xscale="log", xlabel="subscribers", ylabel="µs of CPU for each delivery")
    axes.set_ylim(bottom=0)


def _draw_memory(axes: Any, blasts: list[Blast], names: list[str]) -> None:
    sizes = [blast.subscribers for blast in blasts]
    for name in names:
        peaks = [blast.costs[name].peak_rss / 1e6 for blast in blasts]
        axes.plot(sizes, peaks, marker="o", label=name)
    axes.set(xscale="log", xlabel="subscribers", ylabel="peak memory, MB")
    axes.set_ylim(bottom=0)
    axes.legend(fontsize=8)
