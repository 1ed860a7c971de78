"""The command line ``python -m faults [--seed N] [NAME…]``, which ``make faults`` calls."""

import argparse
import random
import sys

from bench.harness.machine import machine
from faults.harness import report, suite
from faults.harness.fault import FAULTS
from faults.harness.trial import Result
from faults.kinds import network
from stack import debian
from stack.errors import StackError
from stack.supervision.parent import end_with_parent, heed_signals


def main() -> int:
    """Run the command, and return its exit code."""
    parser = argparse.ArgumentParser(prog="python -m faults", description=__doc__)
    parser.add_argument("--end-with-parent", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--seed", type=int, default=None, help="repeats a run's chances")
    parser.add_argument("--list", action="store_true", help="name the faults and break nothing")
    parser.add_argument("names", nargs="*", metavar="NAME", help="these faults only")
    arguments = parser.parse_args()
    if arguments.list:
        for fault in FAULTS.values():
            print(f"{fault.name}\n    {fault.what}")
        return 0
    if unknown := [name for name in arguments.names if name not in FAULTS]:
        parser.error(f"no fault {', '.join(unknown)}; there are {', '.join(FAULTS)}")
    heed_signals()
    debian.installed(*debian.OF_THE_FAULTS)
    network.isolate()
    if arguments.end_with_parent:
        end_with_parent()
    seed = random.randrange(10**6) if arguments.seed is None else arguments.seed
    try:
        return run(arguments.names, seed)
    except StackError as error:
        print(f"\n{error}", file=sys.stderr)
        return 1


def run(names: list[str], seed: int) -> int:
    """Run these faults, print the table, write the results; return 0 if every row holds, else 1."""
    faults = suite.named(names)
    if not names and not network.isolated():
        faults = [fault for fault in faults if fault.group != "silence"]
        print("Left out: what goes silent, for want of a network of our own (root)", flush=True)
    print(f"{len(faults)} faults, seed {seed}", flush=True)
    about = machine()
    results: list[Result] = []
    for number, result in enumerate(suite.run_all(faults, seed), 1):
        results.append(result)
        print(f"{number:3} {result.fault.name}: {_in_short(result)}", flush=True)
    print(f"\n{report.table(results)}\n")
    holding = sum(result.holds for result in results)
    print(f"{holding} of {len(results)} hold (seed {seed})")
    print(f"Written to {report.write(results, seed, about)}")
    return 0 if holding == len(results) else 1


def _in_short(result: Result) -> str:
    took, why = f"{result.seconds:.0f} s", [*result.problems, *result.late]
    return took if result.holds else "\n      ".join([f"{took}, FAILS", *why])


if __name__ == "__main__":
    sys.exit(main())
