"""The report on transactional traffic: figures and bars."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from statistics import median
from typing import Any

from bench.benchmarks.otp import Waits, p99
from bench.harness.report import Bar, Report, Table, columns
from bench.harness.service import Blast
from bench.harness.singles import CONNECTIONS, SinglesResult

PER_SECOND = 200
LEAST_OF_NAIVE, LEAST_SINGLE_OF_NAIVE = 10.0, 2.5
#: Bars: CPU as a multiple of a blast's delivery, and messages to the broker for each delivery.
MOST_CPU, MOST_PUBLISHED = 4.0, 0.05
MEMORY = 0.9, 1.1
#: Bar of the p99: seconds from the request to the provider.
MOST_ALONE, MOST_BESIDE = 0.25, 0.5


@dataclass(frozen=True, slots=True)
class Size:
    """The size of a measurement.

    ``few``, ``many``: deliveries that wait for a worker whose memory is measured; ``seconds``: of
    single posts and of passwords.
    """

    runs: int
    blast: int
    naive: int
    notifications: int
    few: int
    many: int
    single_seconds: int
    otp_seconds: float


@dataclass(frozen=True, slots=True)
class Run:
    """One run. ``few``, ``many``: peak memory of a push worker, bytes; ``p99``: of a post, ms."""

    blast: Blast
    naive: float
    high: SinglesResult
    normal: SinglesResult
    few: int
    many: int
    single: SinglesResult
    p99: float
    alone: Waits
    beside: Waits


def report(size: Size, results: Sequence[Run]) -> Report:
    """Build the report: ratios are of single runs, figures and bars are medians of the runs."""
    posts = f"single, {CONNECTIONS} connections, {size.single_seconds} s"
    ways = {
        "high": [run.high for run in results],
        "normal": [run.normal for run in results],
        posts: [run.single for run in results],
    }
    blasts, naives = [run.blast for run in results], [run.naive for run in results]
    waits = {
        "alone": [run.alone for run in results],
        f"beside blasts to {size.blast:,}": [run.beside for run in results],
    }
    alone, beside = (median(p99(one.came) for one in found) for found in waits.values())
    memory = [run.many / run.few for run in results]
    times = {name: _times([one.rate for one in posted], naives) for name, posted in ways.items()}
    cpu = {
        name: _times([one.own_cpu for one in posted], [blast.own_cpu for blast in blasts])
        for name, posted in ways.items()
    }
    batched = results[0].high.many
    return Report(
        "transactional",
        f"{batched:,} notifications to one recipient each, in batches and one by one",
        [
            _speeds(ways, blasts, naives, times, cpu),
            _costs(ways, blasts),
            _arrivals(waits),
            Table(
                ("also", "median", "in each run"),
                [
                    _row("p99 ms of a single post", [run.p99 for run in results]),
                    _row(
                        f"peak MB of a worker, {size.few:,} waiting",
                        [run.few / 1e6 for run in results],
                    ),
                    _row(f"… {size.many:,} waiting", [run.many / 1e6 for run in results]),
                ],
            ),
        ],
        [
            Bar("in batches, high: times the naive way", times["high"], least=LEAST_OF_NAIVE),
            Bar("in batches, normal: times the naive way", times["normal"], least=LEAST_OF_NAIVE),
            Bar("… high: CPU of one, times a blast's", cpu["high"], most=MOST_CPU),
            Bar("… normal: CPU of one, times a blast's", cpu["normal"], most=MOST_CPU),
            *(
                Bar(
                    f"… {name}: messages to the broker for each",
                    median(one.published for one in ways[name]),
                    most=MOST_PUBLISHED,
                )
                for name in ("high", "normal")
            ),
            *(
                Bar(
                    f"… {name}: messages left a second later",
                    float(max(one.left for one in ways[name])),
                    most=0,
                )
                for name in ("high", "normal")
            ),
            Bar(
                f"memory of a worker for which {size.many:,} wait, times {size.few:,}",
                median(memory),
                least=MEMORY[0],
                most=MEMORY[1],
            ),
            Bar("single: times the naive way", times[posts], least=LEAST_SINGLE_OF_NAIVE),
            Bar("one-time passwords alone: p99 seconds", alone, most=MOST_ALONE),
            Bar("… beside a blast: p99 seconds", beside, most=MOST_BESIDE),
            Bar("… lost", float(sum(w.lost for found in waits.values() for w in found)), most=0),
            Bar(
                "sink's count less those on record",
                float(max(abs(p.came - p.many) for posted in ways.values() for p in posted)),
                most=0,
            ),
        ],
        {"runs": [_kept(run) for run in results]},
        [
            partial(columns, values=_rates(ways, naives), what="deliveries a second"),
            partial(columns, values=_cpus(ways, blasts), what="µs of CPU for each delivery"),
        ],
    )


def _times(values: Sequence[float], of: Sequence[float]) -> float:
    """Return the median of the runs' ratios."""
    return median(value / base for value, base in zip(values, of, strict=True))


def _row(name: str, values: Sequence[float]) -> tuple[str, str, str]:
    return name, f"{median(values):,.0f}", " ".join(f"{value:,.0f}" for value in values)


def _speeds(
    ways: Mapping[str, Sequence[SinglesResult]],
    blasts: Sequence[Blast],
    naives: Sequence[float],
    times: Mapping[str, float],
    cpu: Mapping[str, float],
) -> Table:
    rows = [
        (
            *_row(name, [one.rate for one in posted]),
            f"{times[name]:.2f}",
            f"{median(one.own_cpu for one in posted):,.0f}",
            f"{cpu[name]:.2f}",
            f"{median(one.published for one in posted):.3f}",
            " ".join(str(one.left) for one in posted),
        )
        for name, posted in ways.items()
    ]
    rates = [blast.rate for blast in blasts]
    rows.append(
        (
            *_row(f"a blast to {blasts[0].subscribers:,}", rates),
            f"{_times(rates, naives):.2f}",
            f"{median(blast.own_cpu for blast in blasts):,.0f}",
            *("1", "", ""),
        )
    )
    rows.append((*_row("the naive way", naives), *("1", "", "", "", "")))
    named = ("way", "deliveries/s", "in each run", "× naive", "µs CPU each", "× a blast's")
    return Table((*named, "published for each", "left"), rows)


def _costs(ways: Mapping[str, Sequence[SinglesResult]], blasts: Sequence[Blast]) -> Table:
    return Table(
        ("µs CPU each", *ways, "blast"),
        [
            (
                name,
                *(f"{median(one.cpu[name] for one in posted):,.1f}" for posted in ways.values()),
                f"{median(blast.cpu(name) for blast in blasts):,.1f}",
            )
            for name in blasts[0].costs
        ],
    )


def _arrivals(waits: Mapping[str, Sequence[Waits]]) -> Table:
    return Table(
        (f"{PER_SECOND} one-time passwords a second", "sent", "lost", "p50 ms", "p99 ms", "p99s"),
        [
            (
                name,
                f"{sum(len(one.came) + one.lost for one in found):,}",
                f"{sum(one.lost for one in found):,}",
                f"{median(median(one.came) for one in found) * 1000:,.0f}",
                *_row(name, [p99(one.came) * 1000 for one in found])[1:],
            )
            for name, found in waits.items()
        ],
    )


def _rates(
    ways: Mapping[str, Sequence[SinglesResult]], naives: Sequence[float]
) -> dict[str, float]:
    found = {name: median(one.rate for one in posted) for name, posted in ways.items()}
    return found | {"the naive way": median(naives)}


def _cpus(ways: Mapping[str, Sequence[SinglesResult]], blasts: Sequence[Blast]) -> dict[str, float]:
    found = {name: median(one.own_cpu for one in posted) for name, posted in ways.items()}
    return found | {"a blast": median(blast.own_cpu for blast in blasts)}


def _kept(run: Run) -> dict[str, Any]:
    return {
        "blast": {"rate": run.blast.rate, "cpu_us": run.blast.own_cpu},
        "naive": run.naive,
        **{
            name: {"rate": one.rate, **asdict(one)}
            for name, one in (("high", run.high), ("normal", run.normal), ("single", run.single))
        },
        "single_p99_ms": run.p99,
        "peak_rss": {"few": run.few, "many": run.many},
        "p99_seconds": {"alone": p99(run.alone.came), "beside": p99(run.beside.came)},
        "lost": run.alone.lost + run.beside.lost,
    }
