"""The report on scaling: figures and bars, and the tables of ``docs/scaling.md``."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

from bench.harness.report import Bar, Report, Table
from scale.hosts import DELAY_MS
from scale.lab import CORES, EACH
from scale.measure import Step, Work
from stack.errors import StackError
from stack.supervision.process import ROOT

RESULTS = Path(__file__).with_name("results")
PAGE = ROOT / "docs" / "scaling.md"
BEGIN, END = "<!-- measured by make scale: begin -->", "<!-- measured by make scale: end -->"
#: Bars: the least share of linear scaling, by number of hosts that send.
LEAST = {2: 0.95, 4: 0.9}
#: Bars of PostgreSQL for a notification posted by itself: microseconds of CPU, transactions, bytes.
MOST_CPU, MOST_TRANSACTIONS, MOST_WAL = 400.0, 0.3, 3_000.0
#: The page's example: deliveries per day, those of them that are singles, and the busiest hour as a
#: multiple of the day's mean.
A_DAY, SINGLES, PEAK = 100_000_000, 0.6, 3.0
#: Part of an installation -> its processes.
PARTS = {
    "API": ("web",),
    "workers": EACH,
    "housekeeping, beat": ("housekeeping", "beat"),
    "PostgreSQL": ("postgres",),
    "RabbitMQ": ("rabbitmq",),
    "Redis": ("redis",),
}
#: The work that is scaled. Notifications posted one by one wait for the API, which stays the same.
SCALED: dict[str, Callable[[Step], list[Work]]] = {
    "a blast": lambda step: step.blasts,
    "singles in batches": lambda step: step.batched,
}


def report(steps: Sequence[Step], delay_ms: float) -> Report:
    """Build the report: figures are medians of the runs, costs those with the most hosts."""
    most = steps[-1]
    works = _works(most)
    posted = works["single, posted by itself"]
    scaling = [
        Bar(f"{name}: {step.hosts} hosts, of linear", _of_linear(of, steps[0], step), least=least)
        for name, of in SCALED.items()
        for step in steps
        if (least := LEAST.get(step.hosts))
    ]
    cpu = median(work.cpu["postgres"] for work in posted)
    transactions = median(work.used.transactions for work in posted)
    wal = median(work.used.wal_bytes for work in posted)
    network = f"{delay_ms:g} ms from host to host" if delay_ms else "no delay: no netem here"
    return Report(
        "scale",
        f"Hosts of {CORES:g} core that send, {network}",
        [_speeds(steps), _costs(works)],
        [
            *scaling,
            Bar("a single: µs of PostgreSQL's CPU", cpu, most=MOST_CPU),
            Bar("a single: transactions", transactions, most=MOST_TRANSACTIONS),
            Bar("a single: bytes of WAL", wal, most=MOST_WAL),
        ],
        {"delay_ms": delay_ms, "wanted_delay_ms": DELAY_MS, "steps": [asdict(s) for s in steps]},
        [partial(_draw, steps=steps)],
    )


def write_page(steps: Sequence[Step], about: Mapping[str, Any], delay_ms: float) -> None:
    """Write the tables into ``docs/scaling.md``. Raises ``StackError`` without its marks."""
    text = PAGE.read_text()
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not (begin and end):
        raise StackError(f"{PAGE} has no {BEGIN} and {END}")
    works = _works(steps[-1])
    delay = f"{delay_ms:g} ms from one to another" if delay_ms else "without a delay between them"
    summary = (
        f"Commit {about['commit']}, {about['cores']} cores, {about['cpu']}; hosts {delay}; load "
        f"before it began {about['load_before']}."
    )
    parts = [
        summary,
        _markdown(_speeds(steps)),
        _markdown(_costs(works)),
        _markdown(_example(works)),
    ]
    PAGE.write_text(f"{before}{BEGIN}\n\n" + "\n\n".join(parts) + f"\n\n{END}{after}")


def _works(step: Step) -> dict[str, list[Work]]:
    return {
        "one of a blast": step.blasts,
        "single, in a batch": step.batched,
        "single, posted by itself": step.posted,
    }


def _of_linear(of: Callable[[Step], list[Work]], one: Step, step: Step) -> float:
    rates = [median(work.rate for work in of(which)) for which in (one, step)]
    return rates[1] / rates[0] * one.hosts / step.hosts


def _speeds(steps: Sequence[Step]) -> Table:
    rows = []
    for name, of in SCALED.items():
        for step in steps:
            works = of(step)
            rows.append(
                (
                    f"{name}, {step.hosts} hosts",
                    f"{median(work.rate for work in works):,.0f}",
                    " ".join(f"{work.rate:,.0f}" for work in works),
                    f"{_of_linear(of, steps[0], step):.2f}",
                    f"{median(work.cores for work in works):.3f}",
                )
            )
    return Table(("sending", "deliveries/s", "in each run", "of linear", "cores of a host"), rows)


def _cpu(work: Work, part: str) -> float:
    return sum(work.cpu.get(name, 0.0) for name in PARTS[part])


def _costs(works: Mapping[str, Sequence[Work]]) -> Table:
    """Return a table of the costs of one delivery."""
    rows = [
        (
            f"{part}, µs CPU",
            *(f"{median(_cpu(work, part) for work in found):,.1f}" for found in works.values()),
        )
        for part in PARTS
    ]
    for name, of in (
        ("PostgreSQL, transactions", lambda work: work.used.transactions),
        ("PostgreSQL, bytes of WAL", lambda work: work.used.wal_bytes),
        ("Redis, commands", lambda work: work.used.redis_commands),
        ("RabbitMQ, messages", lambda work: work.used.messages),
    ):
        rows.append((name, *(f"{median(map(of, found)):,.3g}" for found in works.values())))
    return Table(("a delivery costs", *works), rows)


def _example(works: Mapping[str, Sequence[Work]]) -> Table:
    """Return a table of cores for the example, on the day's average and in the busiest hour."""
    a_second = A_DAY / 86_400
    blast, _, single = works.values()
    rows = []
    for part in PARTS:
        costs = [median(_cpu(work, part) for work in found) for found in (single, blast)]
        cores = a_second * (SINGLES * costs[0] + (1 - SINGLES) * costs[1]) / 1e6
        rows.append((part, f"{cores:.2f}", f"{cores * PEAK:.2f}"))
    return Table((f"cores for {A_DAY:,} a day, {SINGLES:.0%} singles", "mean", "peak"), rows)


def _markdown(table: Table) -> str:
    lines = [table.columns, ["---", *["--:"] * (len(table.columns) - 1)], *table.rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _draw(axes: Any, steps: Sequence[Step]) -> None:
    hosts = [step.hosts for step in steps]
    for name, of in SCALED.items():
        one = median(work.rate for work in of(steps[0]))
        axes.plot(
            hosts,
            [median(work.rate for work in of(step)) / one for step in steps],
            marker="o",
            label=name,
        )
    axes.plot(hosts, hosts, color="#999999", linestyle=":", label="linear")
    axes.set(xlabel="hosts that send", ylabel="times one host", xticks=hosts)
    axes.legend()
