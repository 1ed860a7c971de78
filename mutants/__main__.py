"""``python -m mutants [PATH…]``: break the code one line at a time, and run the tests of that line.

Starts servers of its own, measures which tests run which lines (once; again with ``--measure``),
and prints the mutants that survived and a table. Files are not changed. What was measured and what
became of each mutant is kept in ``.notifier/mutants``. Exits with 1 where a mutant survived.
"""

import argparse
import contextlib
import itertools
import json
import os
import random
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from mutants import measured, report, trial
from mutants.generate import Mutant, mutants
from mutants.measured import FOLDERS, folder_of
from mutants.report import Fate, Result
from mutants.trial import Test
from stack import environment, servers
from stack.errors import StackError
from stack.state_directory import HOME, fresh
from stack.supervision.parent import heed_signals
from stack.supervision.process import ROOT

DIRECTORY = HOME / "mutants"
RESULTS = DIRECTORY / "results.json"
#: Tests that need no servers, if none are given.
WITHOUT_SERVERS = "tests/unit"
GIVEN = ("DATABASE_URL", "REDIS_URL", "AMQP_URL")
#: Assumed seconds of a test that was not measured.
UNKNOWN = 60.0


def main() -> int:
    """Run the command, and return its exit code."""
    wanted = _arguments()
    heed_signals()
    every = _mutants(wanted.paths)
    chosen = _chosen(wanted, every)
    if not chosen:
        print("There are no mutants")
        return 0
    began = time.monotonic()
    found = []
    try:
        with contextlib.ExitStack() as stack:
            for result in _results(wanted, chosen, stack):
                found.append(result)
                _keep(result)
                fate = f"{result.fate} {result.by}".strip()
                print(f"{len(found)}/{len(chosen)} {result.mutant.name}: {fate}", flush=True)
    except StackError as error:
        print(f"\n{error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nStopped; what was found is kept")
    print(f"\n{report.survivors(found)}\n\n{report.table(every, _kept())}\n")
    print(f"{len(found)} mutants in {time.monotonic() - began:.0f} s", flush=True)
    return int(any(result.survived for result in found))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m mutants", description=__doc__)
    parser.add_argument("--measure", action="store_true", help="measure again which tests run what")
    parser.add_argument("--survivors", action="store_true", help="only those of the last run")
    parser.add_argument("--tests", nargs="+", metavar="TEST", help="run these, whatever they run")
    parser.add_argument("--sample", type=float, default=1.0, help="a share of each file's mutants")
    parser.add_argument("--seed", type=int, default=1, help="of the sample")
    parser.add_argument("--seconds", type=float, default=300.0, help="of tests, most for a mutant")
    parser.add_argument("--workers", type=int, default=2, help="mutants at once")
    parser.add_argument("paths", nargs="*", type=Path, metavar="PATH", help="a folder or file")
    wanted = parser.parse_args()
    for path in wanted.paths:
        if not any(path.resolve().is_relative_to(ROOT / folder.path) for folder in FOLDERS):
            parser.error(f"{path} is not in {', '.join(folder.path for folder in FOLDERS)}")
    return wanted


def _mutants(paths: Sequence[Path]) -> list[Mutant]:
    """Return all mutants of these files and folders, or of all folders."""
    paths = [path.resolve() for path in paths] or [ROOT / one.path for one in FOLDERS]
    files = [file for path in paths for file in (sorted(path.rglob("*.py")) or [path])]
    return [mutant for file in files for mutant in mutants(file)]


def _chosen(wanted: argparse.Namespace, every: Sequence[Mutant]) -> list[Mutant]:
    """Return those to try: all, a sample of each file's, or those that survived."""
    if wanted.survivors:
        kept = _kept()
        every = [mutant for mutant in every if kept.get(mutant.key) in report.SURVIVED]
    rng = random.Random(wanted.seed)
    chosen: list[Mutant] = []
    for _, group in itertools.groupby(every, key=lambda mutant: mutant.path):
        of = list(group)
        places = rng.sample(range(len(of)), k=round(len(of) * wanted.sample))
        chosen += [of[place] for place in sorted(places)]
    return chosen


def _results(
    wanted: argparse.Namespace, chosen: Sequence[Mutant], stack: contextlib.ExitStack
) -> Iterator[Result]:
    """Run the servers, measure where that is needed, and try the mutants."""
    groups = dict.fromkeys(folder_of(mutant.path).tests for mutant in chosen)
    needed = wanted.tests or [test for tests in groups for test in tests]
    without_servers = all(test.startswith(WITHOUT_SERVERS) for test in needed)
    envs = [
        _bare() if without_servers else stack.enter_context(_servers())
        for _ in range(wanted.workers)
    ]
    if wanted.tests:
        named = [Test(test, UNKNOWN) for test in wanted.tests]
        return trial.results(chosen, lambda _: named, needed, envs)
    known = {}
    for tests in groups:
        directory = DIRECTORY / "-".join(tests).replace("/", "-")
        if wanted.measure or not (directory / "seconds.json").exists():
            measured.measure(tests, directory, envs[0])
        known[tests] = measured.read(directory)
    return trial.results(
        chosen,
        lambda mutant: known[folder_of(mutant.path).tests].tests(mutant, wanted.seconds),
        needed,
        envs,
    )


def _bare() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if name not in GIVEN}


@contextlib.contextmanager
def _servers() -> Iterator[Mapping[str, str]]:
    """Run servers for one worker; return the environment of its tests."""
    with fresh("mutants") as state, servers.running(state, start_rabbitmq=True, given=False) as own:
        yield environment.of(state, own)


def _keep(result: Result) -> None:
    """Keep a result beside those of other mutants."""
    DIRECTORY.mkdir(parents=True, exist_ok=True)
    RESULTS.write_text(json.dumps({**_kept(), result.mutant.key: result.fate}, indent=0))


def _kept() -> dict[str, Fate]:
    """Return what became of each mutant that was tried, by its key."""
    return json.loads(RESULTS.read_text()) if RESULTS.exists() else {}


if __name__ == "__main__":
    sys.exit(main())
