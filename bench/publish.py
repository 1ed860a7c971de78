"""One publish to many push subscribers, through the API, on the whole line.

``python -m bench.publish --subscribers 100000``: publishes to a tenth as many first, then to all of
them, in the same processes. Prints deliveries per second from the 202 until the last one is
recorded, each process's CPU per delivery, and its peak memory in both runs: flat memory means that
the second is no higher than the first.

The provider is the sandbox, on the same cores; its CPU stands apart in the table.
"""

import argparse
import json
import platform
import subprocess
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path

from bench.meter import Cost, Meter
from notifier.client import Device, NotifierClient, Recipient, Subscriber
from stack import servers, stage
from stack.process import ROOT
from stack.stage import Stage
from stack.state import fresh

PROCESSES = ("web", "fanout", "push", "housekeeping", "beat")
RESULTS = Path(__file__).with_name("results")
#: What works on a delivery; the rest serves the API, plans or stands in for the world outside.
WORKERS = ("fanout", "push", "housekeeping")


@dataclass(frozen=True, slots=True)
class Run:
    """One publish. ``seconds``: from the 202 to the last delivery on record."""

    subscribers: int
    seconds: float
    costs: dict[str, Cost]

    @property
    def rate(self) -> float:
        return self.subscribers / self.seconds

    def cpu(self, name: str) -> float:
        """Microseconds of CPU for each delivery."""
        return self.costs[name].cpu * 1e6 / self.subscribers


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.publish", description=__doc__)
    parser.add_argument("--subscribers", type=int, default=100_000)
    wanted = parser.parse_args().subscribers
    with (
        fresh("bench") as state,
        servers.running(state) as found,
        stage.running(state, found, *PROCESSES) as on,
    ):
        pids = on.processes.pids()
        for name in ("postgres", "redis", "rabbitmq"):
            server = getattr(found, name)
            if server is not None:
                pids[name] = server.pid
        pids["sandbox"] = on.sandbox["pid"]
        client = NotifierClient(on.api_url, _key(on))
        runs = [_run(client, pids, size) for size in (wanted // 10, wanted)]
    _report(*runs)
    return 0


def _key(on: Stage) -> str:
    command = [sys.executable, "manage.py", "create_publisher", "bench"]
    made = subprocess.run(command, cwd=ROOT, env=on.env, capture_output=True, text=True, check=True)
    return made.stdout.strip()


def _run(client: NotifierClient, pids: dict[str, int], size: int) -> Run:
    topic = f"bench-{size}"
    client.create_topic(topic)
    print(f"Registering {size:,} recipients …", flush=True)
    names = [f"{topic}-{number}" for number in range(size)]
    client.upsert_recipients(
        Recipient(name, devices=[Device("android", name.ljust(140, "x"))]) for name in names
    )
    client.subscribe_many(topic, (Subscriber(user_id=name, channels=["push"]) for name in names))
    print(f"Publishing to {size:,} subscribers …", flush=True)
    with Meter(pids) as meter:
        began = time.monotonic()
        posted = client.publish(
            topic, title="Sale", body="Everything must go.", channels=["push"], priority="low"
        )
        done = client.wait(posted.id, timeout=900)
        seconds = time.monotonic() - began
    counts = done.counts["push"]
    if counts != {"accepted": size}:
        raise SystemExit(f"not every delivery was accepted: {counts}")
    return Run(size, seconds, meter.costs)


def _report(small: Run, large: Run) -> None:
    header = f"{'process':<14}{'CPU s':>8}{'µs/delivery':>13}"
    header += f"{f'peak MB at {small.subscribers:,}':>21}{f'at {large.subscribers:,}':>14}"
    print(f"\n{header}\n{'-' * len(header)}")
    for name, cost in large.costs.items():
        before = small.costs[name].peak_rss / 1e6
        print(
            f"{name:<14}{cost.cpu:>8.2f}{large.cpu(name):>13.1f}{before:>21.0f}"
            f"{cost.peak_rss / 1e6:>14.0f}"
        )
    workers = sum(large.cpu(name) for name in WORKERS)
    print(
        f"\n{large.subscribers:,} deliveries in {large.seconds:.1f} s: {large.rate:,.0f}/s "
        f"({small.rate:,.0f}/s at {small.subscribers:,}); workers {workers:.0f} µs CPU each\n"
        "web is two processes and their parent; postgres is a process per connection, and the "
        "memory\nthose share is counted for each."
    )
    RESULTS.mkdir(exist_ok=True)
    result = {
        "machine": f"{platform.machine()}, Python {platform.python_version()}",
        "runs": [{**asdict(run), "deliveries_per_second": run.rate} for run in (small, large)],
        "worker_cpu_us_per_delivery": workers,
    }
    (RESULTS / "publish.json").write_text(json.dumps(result, indent=2) + "\n")


if __name__ == "__main__":
    sys.exit(main())
