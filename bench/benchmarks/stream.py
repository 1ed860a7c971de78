"""The stream: 10,000 open inboxes on one process, what each takes, and how soon it gets news.

Items to one recipient each are posted 200 a second at high priority, alone and beside a publish to
the inboxes of many, all who listen among them. Then the process is restarted, and killed, while
they go on.
"""

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from statistics import median

import psutil

from bench.benchmarks.otp import draw, p99, percentile
from bench.harness import paced
from bench.harness.listeners import Listeners
from bench.harness.listeners import Report as Heard
from bench.harness.report import Bar, Report, Table
from bench.harness.service import Blast, Service
from notifier.security.tokens import sign
from stack.errors import StackError

PROCESSES = ("web", "stream", "fanout", "fanout_high", "housekeeping", "beat")
TOPIC = "stream"
PER_SECOND, SENDERS = 200, 16
#: Bars: KiB of a connection, percent of a core for all that are idle, seconds of the 99th
#: percentile alone and beside a publish, and seconds from a restart or kill until all are back.
MOST_KIB, MOST_PERCENT, MOST_ALONE, MOST_BESIDE, MOST_BACK = 40.0, 5.0, 0.25, 0.5, 15.0
#: Seconds without an event after which missing ones are lost.
LOST_AFTER = 20.0


@dataclass(frozen=True, slots=True)
class Size:
    """The size of a measurement: runs, connections, subscribers of the publish, and seconds."""

    runs: int
    connections: int
    blast: int
    seconds: float


FULL, QUICK = Size(3, 10_000, 200_000, 30.0), Size(1, 1_000, 20_000, 5.0)


@dataclass(frozen=True, slots=True)
class Received:
    """Items that were posted, and what the streams heard of them; seconds from the request."""

    posted: int
    seconds: list[float]
    lost: int
    twice: int
    resyncs: int


@dataclass(frozen=True, slots=True)
class Run:
    """One run: alone, beside a publish, and over a restart and a kill of the process."""

    alone: Received
    beside: Received
    blast: Blast
    heard_of_blast: int
    restarted: Received
    killed: Received
    back: float
    back_killed: float


def measure(on: Service, *, quick: bool) -> Report:
    """Open the streams, then measure each run."""
    size = QUICK if quick else FULL
    on.audience(TOPIC, size.blast, "inbox")
    people = [f"{TOPIC}-{number}" for number in range(size.connections)]
    secret, now = on.env["NOTIFIER_INBOX_JWT_SECRET"], int(time.time())
    tokens = [sign({"sub": name, "iat": now, "exp": now + 3500}, secret) for name in people]
    url = f"http://127.0.0.1:{on.env['STREAM_PORT']}"
    process = psutil.Process(on.processes["stream"].pid)
    with Listeners(on.state, url) as listeners:
        listeners.open(tokens[:50])
        time.sleep(2)
        before = process.memory_info().rss
        opening = listeners.open(tokens[50:], per_second=2_000)
        time.sleep(5)
        kib = (process.memory_info().rss - before) / 1024 / (len(tokens) - 50)
        idle = _idle(process)
        print(
            f"  opened in {opening:.1f} s, {kib:.1f} KiB each, {idle:.2f} % of a core", flush=True
        )
        runs = []
        for number in range(size.runs):
            runs.append(_run(on, listeners, size))
            said = f"{p99(runs[-1].alone.seconds) * 1000:.0f} ms alone"
            said += f", {p99(runs[-1].beside.seconds) * 1000:.0f} ms beside"
            print(f"  run {number + 1}: p99 {said}; back in {runs[-1].back:.1f} s", flush=True)
    return _report(size, runs, kib, idle, opening)


def _idle(process: psutil.Process) -> float:
    """Return how many percent of a core the process uses while nothing happens, in 60 s."""
    began, before = time.monotonic(), process.cpu_times()
    time.sleep(60)
    now = process.cpu_times()
    used: float = now.user + now.system - before.user - before.system
    return 100 * used / (time.monotonic() - began)


def _run(on: Service, listeners: Listeners, size: Size) -> Run:
    listeners.report()
    alone, _ = _receive(on, listeners, size, lambda passed: passed < size.seconds)
    blasts: list[Blast] = []
    blasting = threading.Thread(
        target=lambda: blasts.append(on.blast(TOPIC, size.blast, "inbox")), daemon=True
    )
    blasting.start()
    beside, heard = _receive(on, listeners, size, lambda _: blasting.is_alive())
    if not blasts:
        raise StackError("the publish failed: see above")
    restarted, back = _interrupted(on, listeners, size, kill=False)
    killed, back_killed = _interrupted(on, listeners, size, kill=True)
    return Run(alone, beside, blasts[0], heard, restarted, killed, back, back_killed)


def _interrupted(
    on: Service, listeners: Listeners, size: Size, *, kill: bool
) -> tuple[Received, float]:
    """Restart the process while items are posted; also return seconds until all were back.

    These are counted from the end of the process on: its start is a part of the interruption.
    """
    back: list[float] = []

    def interrupt() -> None:
        time.sleep(2)
        stream = on.processes["stream"]
        began = time.monotonic()
        if kill:
            stream.kill()
        on.processes.restart("stream")
        stream.wait_ready(60)
        listeners.wait_open(size.connections)
        back.append(time.monotonic() - began)

    interrupting = threading.Thread(target=interrupt, daemon=True)
    interrupting.start()
    received, _ = _receive(on, listeners, size, lambda _: interrupting.is_alive())
    if not back:
        raise StackError("the streams did not come back: see above")
    return received, back[0]


def _receive(
    on: Service, listeners: Listeners, size: Size, more: Callable[[float], bool]
) -> tuple[Received, int]:
    """Post items to those who listen, while ``more``; wait until all were received.

    Also returns how many other items they received.
    """

    def body(at: float, number: int) -> dict[str, object]:
        return {
            "user_id": f"{TOPIC}-{100 * (number % (size.connections // 100)) + 2 + number % 90}",
            "content": {"title": "New", "data": {"at": at, "number": number}},
            "channels": ["inbox"],
            "priority": "high",
        }

    posted = paced.post(on, body, more, name=TOPIC, per_second=PER_SECOND, senders=SENDERS)
    return _collect(listeners, len(posted))


def _collect(listeners: Listeners, posted: int) -> tuple[Received, int]:
    seconds: list[float] = []
    seen: set[int] = set()
    others = twice = resyncs = 0
    deadline = time.monotonic() + LOST_AFTER
    while True:
        found: Heard = listeners.report()
        if found.items:
            deadline = time.monotonic() + LOST_AFTER
        seconds += found.seconds
        twice += found.twice + len(seen.intersection(found.seen))
        seen.update(found.seen)
        others += found.items - len(found.seconds)
        resyncs += found.resyncs
        if (len(seen) >= posted and not found.items) or time.monotonic() > deadline:
            return Received(posted, seconds, posted - len(seen), twice, resyncs), others
        time.sleep(0.5)


def _report(size: Size, runs: Sequence[Run], kib: float, idle: float, opening: float) -> Report:
    beside = f"while {size.blast:,} are told"
    kinds = {
        "alone": [run.alone for run in runs],
        beside: [run.beside for run in runs],
        "over a restart": [run.restarted for run in runs],
        "over a kill": [run.killed for run in runs],
    }
    rows = [
        (
            name,
            str(one.posted),
            str(one.lost),
            str(one.twice),
            *(f"{percentile(one.seconds, percent) * 1000:,.0f}" for percent in (50, 90, 99)),
        )
        for name, found in kinds.items()
        for one in found
    ]
    every = [one for found in kinds.values() for one in found]
    heard = " ".join(f"{run.heard_of_blast:,}" for run in runs)
    back = [one for run in runs for one in (run.back, run.back_killed)]
    return Report(
        "stream",
        f"{size.connections:,} open inboxes on one process, {PER_SECOND} items a second",
        [
            Table(("ms to the page", "posted", "lost", "twice", "p50", "p90", "p99"), rows),
            Table(
                ("of the process", ""),
                [
                    ("KiB of a connection", f"{kib:.1f}"),
                    ("percent of a core, all idle", f"{idle:.2f}"),
                    ("seconds to open all", f"{opening:.1f}"),
                    ("seconds until all are back", " ".join(f"{one:.1f}" for one in back)),
                    ("items of the publish that were told", heard),
                    ("the publish, items/s", " ".join(f"{run.blast.rate:,.0f}" for run in runs)),
                ],
            ),
        ],
        [
            Bar("KiB of a connection", kib, most=MOST_KIB),
            Bar("percent of a core for all that are idle", idle, most=MOST_PERCENT),
            Bar(
                "p99 seconds, alone",
                median(p99(run.alone.seconds) for run in runs),
                most=MOST_ALONE,
            ),
            Bar(
                "p99 seconds, beside the publish",
                median(p99(run.beside.seconds) for run in runs),
                most=MOST_BESIDE,
            ),
            Bar("seconds until all are back, at most", max(back), most=MOST_BACK),
            Bar("lost", float(sum(one.lost for one in every)), most=0),
            Bar("told twice", float(sum(one.twice for one in every)), most=0),
        ],
        {
            "connections": size.connections,
            "kib_each": kib,
            "idle_percent": idle,
            "runs": [
                {
                    "alone": sorted(run.alone.seconds),
                    "beside": sorted(run.beside.seconds),
                    "back": run.back,
                    "back_killed": run.back_killed,
                    "publish_items_per_second": run.blast.rate,
                }
                for run in runs
            ],
        },
        [
            partial(
                draw,
                when={
                    name: [one for received in kinds[name] for one in received.seconds]
                    for name in ("alone", beside)
                },
            )
        ],
    )
