"""The Celery worker of the naive app (``bench.baselines.naive``), with the service's sink."""

import contextlib
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from bench.baselines import naive
from bench.harness import service
from bench.harness.meter import Meter
from bench.harness.service import Service
from bench.harness.sink import BEHIND
from stack.errors import StackError
from stack.supervision.process import Process


@contextlib.contextmanager
def running(on: Service) -> Iterator[Process]:
    """Run a warmed-up Celery worker of the naive app until the end of the block."""
    config = Path(on.sink.config["ca_file"]).with_name("sandbox.json")
    env = on.env | {
        "BENCH_SANDBOX_JSON": str(config),
        "REQUESTS_CA_BUNDLE": on.sink.config["ca_file"],
    }
    with on.database() as cursor:
        cursor.execute(naive.TABLE)
    command = [
        str(BEHIND),
        sys.executable,
        "-m",
        "celery",
        "--quiet",
        "-A",
        "bench.baselines.naive",
    ]
    command += ["worker", "-n", "naive@%h", "-c", str(naive.PROCESSES), "--loglevel", "WARNING"]
    command += ["--without-mingle", "--without-gossip"]
    with Process("naive", command, env=env, output=on.state.log("naive")) as worker:
        deliver(on, worker, 10 * naive.PROCESSES)  # opens connections
        yield worker


def deliver(on: Service, worker: Process, subscribers: int) -> tuple[float, float]:
    """Send to ``subscribers``; return deliveries per second, and microseconds of CPU for each.

    The rate is from the first task enqueued to the last row saved; the CPU is of worker and
    publisher.
    """
    with (
        naive.publishing(on.servers.broker_url) as send,
        on.database() as cursor,
        Meter({"naive": worker.pid}) as meter,
    ):
        cursor.execute("TRUNCATE bench_naive")
        began, cpu = time.monotonic(), time.process_time()
        for number in range(subscribers):
            send(
                f"token-{number}".ljust(140, "x"),
                "Order A-7 is on its way",
                f"Dear throughput-{number}, expect it on Friday: tea, a pot, two cups.",
            )
        cpu = time.process_time() - cpu
        saved = 0
        while saved < subscribers:
            if time.monotonic() > began + 120:
                raise StackError(f"the naive baseline has saved {saved} of {subscribers} rows")
            time.sleep(service.POLL_SECONDS)
            cursor.execute("SELECT count(*) FROM bench_naive")
            saved = cursor.fetchone()[0]
        seconds = time.monotonic() - began
    cpu += meter.costs["naive"].cpu
    return subscribers / seconds, cpu * 1e6 / subscribers
