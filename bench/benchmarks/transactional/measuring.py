"""Measurement of notifications to one recipient each, the workers running.

Through the batch call at high and at normal priority, in turn with a blast and the naive app; a
worker's memory when many wait; single posts while the workers run; and one-time passwords ten times
as often as in ``bench.benchmarks.otp``, alone and during a blast.
"""

import threading
import time
from collections.abc import Callable
from functools import partial

from bench.baselines import naive_worker
from bench.benchmarks import otp
from bench.benchmarks.otp import Waits, p99
from bench.benchmarks.transactional.report import PER_SECOND, Run, Size, report
from bench.harness import batches, singles
from bench.harness.meter import peak_rss
from bench.harness.report import Report
from bench.harness.service import Service
from bench.harness.singles import TOPIC, SinglesResult
from stack.errors import StackError

PROCESSES = ("web", "fanout", "fanout_high", "push", "push_high", "housekeeping", "beat")
#: Most requests that wait for an answer at once: more than threads that answer.
SENDERS = 64
FULL = Size(3, 200_000, 2_000, 20_000, 2_000, 50_000, 30, 60.0)
QUICK = Size(1, 20_000, 1_000, 2_000, 1_000, 4_000, 5, 10.0)


def measure(on: Service, *, quick: bool) -> Report:
    """Measure everything in turn, three times (once if ``quick``)."""
    size = QUICK if quick else FULL
    singles.audience(on, size.notifications)
    on.audience(f"{TOPIC}-blast", size.blast)
    on.audience(f"{TOPIC}-warm-up", 2_000)
    on.blast(f"{TOPIC}-warm-up", 2_000)
    for priority in ("high", "normal"):  # warms up every process
        singles.post_batches(on, priority, batches.SIZE, size.notifications)
    results = []
    with naive_worker.running(on) as naive:
        for number in range(size.runs):
            print(f"  run {number + 1}: ", end="", flush=True)
            results.append(_run(on, size, lambda: naive_worker.deliver(on, naive, size.naive)[0]))
    return report(size, results)


def _run(on: Service, size: Size, naive: Callable[[], float]) -> Run:
    def post(priority: str) -> SinglesResult:
        return singles.post_batches(on, priority, size.notifications, size.notifications)

    blast = on.blast(f"{TOPIC}-blast", size.blast)
    _say(f"blast {blast.rate:,.0f}/s")
    alone_naive = naive()
    _say(f"naive {alone_naive:,.0f}/s")
    high = post("high")
    _say(f"high {high.rate:,.0f}/s")
    normal = post("normal")
    _say(f"normal {normal.rate:,.0f}/s")
    single, p99_ms = singles.post_each(on, size.single_seconds, size.notifications)
    _say(f"single {single.rate:,.0f}/s, p99 {p99_ms:,.0f} ms")
    few, many = (_memory(on, waiting, size) for waiting in (size.few, size.many))
    _say(f"memory {few / 1e6:,.0f} MB, {many / 1e6:,.0f} MB")
    alone, beside = _passwords(on, size)
    print(f"passwords p99 {p99(alone.came):,.3f} s, {p99(beside.came):,.3f} s beside", flush=True)
    return Run(blast, alone_naive, high, normal, few, many, single, p99_ms, alone, beside)


def _say(what: str) -> None:
    print(what, end=", ", flush=True)


def _memory(on: Service, waiting: int, size: Size) -> int:
    """Return the peak memory, in bytes, of a new push worker that sends ``waiting`` deliveries."""
    workers = [name for name in on.processes.pids() if name.partition(".")[0] == "push"]
    on.processes.stop(*workers)
    on.sink.reset()
    with on.database() as cursor:
        last = singles.last_delivery(cursor)
        batches.post(on, singles.bodies("normal", waiting, size.notifications))
        for name in workers:
            on.processes.restart(name)
        singles.wait(on, cursor, last, waiting)
    return max(peak_rss(on.processes[name].pid) for name in workers)


def _passwords(on: Service, size: Size) -> tuple[Waits, Waits]:
    """Measure one-time passwords alone, then during blasts one after the other."""
    send = partial(otp.sent, on, topic=TOPIC, per_second=PER_SECOND, senders=SENDERS)
    alone = send(lambda passed: passed < size.otp_seconds)
    until = time.monotonic() + size.otp_seconds
    finished = []

    def blast() -> None:
        while time.monotonic() < until:
            finished.append(on.blast(f"{TOPIC}-blast", size.blast))

    blasting = threading.Thread(target=blast, daemon=True)
    blasting.start()
    beside = send(lambda _: blasting.is_alive())
    if not finished:
        raise StackError("the blast failed: see above")
    return alone, beside
