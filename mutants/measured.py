"""Lines and seconds of each test, measured by running all of them once."""

import json
import subprocess
import sys
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path

from coverage import CoverageData

from mutants.generate import Mutant
from mutants.trial import Test
from stack.supervision.process import ROOT


@dataclass(frozen=True, slots=True)
class Folder:
    """A folder that can be mutated. ``tests``: those that run it in their own process."""

    path: str
    tests: tuple[str, ...]
    #: Those of them that are run first.
    own: tuple[str, ...]


_POOL = "tests/integration/test_connection_pool.py"
_DELIVERY = ("tests/unit/apps", "tests/integration/delivery", _POOL)
FOLDERS = (
    Folder("notifier/domain", ("tests/unit",), ("tests/unit/domain/",)),
    Folder("apps/delivery/state", _DELIVERY, (_DELIVERY[0], f"{_DELIVERY[1]}/state/")),
    Folder("apps/delivery/outbox", _DELIVERY, (_DELIVERY[0], f"{_DELIVERY[1]}/outbox/")),
)


def folder_of(path: str) -> Folder:
    """Return the folder of a file. Raises ``LookupError`` for a file of another one."""
    for folder in FOLDERS:
        if path.startswith(f"{folder.path}/"):
            return folder
    raise LookupError(path)


@dataclass(frozen=True, slots=True)
class Measured:
    """The measurements. ``seconds``: by test; those that failed are not in it."""

    data: CoverageData
    seconds: Mapping[str, float]

    def tests(self, mutant: Mutant, most: float) -> list[Test]:
        """Return tests that run a mutant's statement, of ``most`` seconds together.

        The folder's own come first, then the quickest test of each file, the second one, … For a
        statement that is executed at import: those that run anything else of the file, or, where
        nothing of it is run later, all of them.
        """
        by_line = self.data.contexts_by_lineno(str(ROOT / mutant.path))
        lines = range(mutant.first, mutant.last + 1)
        found = _tests(context for line in lines for context in by_line.get(line, ()))
        if not found:
            found = _tests(context for contexts in by_line.values() for context in contexts)
        known = self.seconds.keys() & found if found else self.seconds.keys()
        own = folder_of(mutant.path).own
        ranks: Counter[str] = Counter()
        order = {}
        for test in sorted(known, key=self.seconds.__getitem__):
            file = test.partition("::")[0]
            order[test] = (not test.startswith(own), ranks[file], self.seconds[test])
            ranks[file] += 1
        tests = [Test(test, self.seconds[test]) for test in sorted(order, key=order.__getitem__)]
        until = accumulate(test.seconds for test in tests)
        return [test for test, end in zip(tests, until, strict=True) if end <= most]


def measure(tests: Iterable[str], directory: Path, env: Mapping[str, str]) -> None:
    """Run these tests and keep in a directory what they run. Those that fail are left out."""
    directory.mkdir(parents=True, exist_ok=True)
    print(f"Measuring what {' '.join(tests)} run", flush=True)
    command = [
        *(sys.executable, "-m", "pytest", *tests, "-q", "-p", "no:cacheprovider"),
        *("-p", "mutants.plugin", "--create-db", "--reuse-db"),
        *("--cov", "--cov-context=test", "--cov-report=", "--cov-fail-under=0"),
    ]
    places = {"COVERAGE_FILE": directory / "measured", "SECONDS_REPORT": directory / "seconds.json"}
    env = {**env, **{name: str(path) for name, path in places.items()}}
    subprocess.run(command, cwd=ROOT, env=env, check=False)


def read(directory: Path) -> Measured:
    """Read what ``measure`` kept in a directory."""
    data = CoverageData(str(directory / "measured"))
    data.read()
    return Measured(data, json.loads((directory / "seconds.json").read_text()))


def _tests(contexts: Iterable[str]) -> set[str]:
    """Return the tests of coverage's contexts, which are ``test|run``, or empty at import."""
    return {test for test, _, _ in (one.rpartition("|") for one in contexts) if test}
