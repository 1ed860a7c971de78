"""``python -m scale [--quick] [--docs]``: measure how the service scales over hosts that send.

Creates network namespaces as hosts, runs the service on them, and removes them at the end. Prints
figures and bars, and writes JSON and a picture to ``scale/results``; ``--quick`` is a smaller run
over two hosts, written to ``scale/results/quick``; ``--docs`` puts the figures into
``docs/scaling.md``. Exits with 1 where a bar does not hold, and with 77 and a message where hosts
cannot be created here.
"""

import argparse
import signal
import sys

from bench.harness.machine import machine
from bench.harness.report import write
from scale import lab
from scale.errors import Unavailable
from scale.measure import FULL, QUICK, measure
from scale.report import RESULTS, report, write_page
from stack.errors import StackError
from stack.supervision.parent import heed_signals

#: The exit code for "skipped" of Automake's and other test harnesses.
SKIPPED = 77


def main() -> int:
    """Run the command, and return its exit code."""
    parser = argparse.ArgumentParser(prog="python -m scale", description=__doc__)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--docs", action="store_true")
    wanted = parser.parse_args()
    heed_signals()
    size = QUICK if wanted.quick else FULL
    about = machine()
    try:
        with lab.running(max(size.hosts)) as on:
            steps = measure(on, size)
            delay = on.network.delay_ms
        found = report(steps, delay)
        path = write(found, about, RESULTS / "quick" if wanted.quick else RESULTS)
        print(f"\n{found}\nWritten to {path}", flush=True)
        if wanted.docs:
            write_page(steps, about, delay)
        return 0 if found.holds else 1
    except Unavailable as error:
        print(f"Skipped: {error}", file=sys.stderr)
        return SKIPPED
    except StackError as error:
        print(f"\n{error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nInterrupted; everything was stopped and removed", file=sys.stderr)
        return 128 + signal.SIGINT


if __name__ == "__main__":
    sys.exit(main())
