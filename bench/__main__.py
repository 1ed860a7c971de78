"""``python -m bench [--quick] [NAME…]``: run all benchmarks, or those that are named.

Each starts servers and a service of its own, prints its figures and bars, and writes JSON and a
picture to ``bench/results``; ``--quick`` runs smaller ones on one service, and writes to
``bench/results/quick``. Exits with 1 where a bar does not hold.
"""

import argparse
import importlib
import sys
import time
from functools import partial

from bench.harness import report, service
from bench.harness.machine import machine
from bench.harness.report import Report
from stack.errors import StackError
from stack.supervision.parent import heed_signals

#: The benchmarks in the order in which they run: modules with ``PROCESSES`` and ``measure``.
BENCHMARKS = (
    *("throughput", "transactional", "channels", "otp"),
    *("accept", "storm", "growth", "backlog", "partitions", "disk"),
    *("people", "morning", "zones", "stream"),
)
QUICK = ("throughput", "transactional", "otp", "accept")


def main() -> int:
    """Run the command, and return its exit code."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(BENCHMARKS))
    wanted = parser.parse_args()
    unknown = set(wanted.names) - set(BENCHMARKS)
    if unknown:
        parser.error(f"there is no {', '.join(sorted(unknown))}, only {', '.join(BENCHMARKS)}")
    heed_signals()
    began = time.monotonic()
    reports, failed = [], []
    if wanted.quick:
        runs = [partial(_quick, wanted.names or QUICK)]
    else:
        runs = [partial(_measured, name) for name in wanted.names or BENCHMARKS]
    for run in runs:  # a failure must not lose the results of the others
        try:
            reports += run()
        except StackError as error:
            failed.append(error)
            print(f"\n{error}", file=sys.stderr)
    print(f"\n{len(reports)} benchmarks in {time.monotonic() - began:.0f} s")
    for found in reports:
        for bar in found.bars:
            print(f"  {found.name}: {bar}")
    return 0 if not failed and all(found.holds for found in reports) else 1


def _measured(name: str) -> list[Report]:
    """Run one benchmark at full size, on a new service."""
    module = importlib.import_module(f"bench.benchmarks.{name}")
    about = machine()
    _say(name)
    with service.running(*module.PROCESSES) as on:
        found: Report = module.measure(on, quick=False)
    print(f"\n{found}\nWritten to {report.write(found, about)}", flush=True)
    return [found]


def _quick(names: list[str] | tuple[str, ...]) -> list[Report]:
    """Run small benchmarks on one service."""
    modules = {name: importlib.import_module(f"bench.benchmarks.{name}") for name in names}
    # Benchmarks of the API alone stop the other processes.
    modules = dict(sorted(modules.items(), key=lambda entry: entry[1].PROCESSES == ("web",)))
    processes = dict.fromkeys(one for module in modules.values() for one in module.PROCESSES)
    about = machine()
    reports = []
    with service.running(*processes) as on:
        for name, module in modules.items():
            _say(name)
            found: Report = module.measure(on, quick=True)
            path = report.write(found, about, report.RESULTS / "quick")
            print(f"\n{found}\nWritten to {path}", flush=True)
            reports.append(found)
    return reports


def _say(name: str) -> None:
    print(f"\n== {name} ==", flush=True)


if __name__ == "__main__":
    sys.exit(main())
