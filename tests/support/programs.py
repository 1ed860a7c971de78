"""Tests run only programs that a fresh machine has; what was not tested is reported."""

import os
import shutil
import subprocess
import sys
import tempfile
from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any
from unittest import mock

import pytest

from stack import debian
from stack.supervision.process import GUARD, ROOT

#: Programs of every Debian, and make, by which the tests are run.
OF_EVERY_MACHINE = {"bash", "make", "nice", "nsenter", "ps", "setpriv", "sh", "sleep"}
#: Programs that come along with Debian's packages of the tests.
COME_ALONG = {"epmd", "nginx", "promtool", "rabbitmqctl", "tc"}
#: Asked for a version or a commit, and done without where they are not there.
DONE_WITHOUT = {"dpkg-query", "fc-list", "git"}
#: Programs of others' tools, which `make referees` installs.
OF_REFEREES = {"go", "java", "javac"}
KNOWN = OF_EVERY_MACHINE | COME_ALONG | DONE_WITHOUT | OF_REFEREES
KNOWN |= {Path(package.file).name for package in debian.OF_THE_TESTS}
#: Directories of packages from PyPI, of this repository, and of files that a test has made.
OURS = tuple(Path(place).resolve() for place in (sys.prefix, ROOT, tempfile.gettempdir()))
#: A file for what was not tested, where somebody else prints it at the end.
REPORT = "NOT_TESTED_REPORT"


def stranger(command: Any) -> str | None:
    """The program of this command, if a fresh machine may lack it."""
    words = [command] if isinstance(command, str | os.PathLike) else list(command)
    words = [os.fspath(word) for word in words]
    if str(GUARD) in words:
        words = words[words.index("--") + 1 :]
    if (found := shutil.which(words[0])) is None:
        return None  # it fails here as it does there
    program = Path(found)
    # A Python is the one of the tests, or one that a test has found on this machine.
    if program.name in KNOWN or program.name.startswith("python"):
        return None
    return None if any(program.resolve().is_relative_to(place) for place in OURS) else words[0]


def need(*packages: debian.Package) -> None:
    """Skip the test, with a notice at the end, where one of these is missing."""
    for package in packages:
        if not package.there:
            pytest.skip(package.missing)


@pytest.fixture(scope="session", autouse=True)
def _only_what_was_installed() -> Iterator[None]:
    start = subprocess.Popen.__init__

    def guarded(self: Any, args: Any, *more: Any, **options: Any) -> None:
        if not options.get("shell") and (program := stranger(args)):
            pytest.fail(
                f"{program} may be missing on a fresh machine. Name its package in "
                "stack/debian.py (OF_THE_TESTS), so that the tests install it."
            )
        start(self, args, *more, **options)

    with mock.patch.object(subprocess.Popen, "__init__", guarded):
        yield


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    lines = not_tested(terminalreporter.stats.get("skipped", []))
    deselected = terminalreporter.stats.get("deselected", [])
    referees = [item.nodeid for item in deselected if item.get_closest_marker("referee")]
    if referees and terminalreporter.config.option.markexpr == "not referee":
        lines.append(f"NOT TESTED ({len(referees)}), by others' tools: run `make referees`")
    for line in lines:
        terminalreporter.write_line(line, red=True, bold=True)
    if path := os.environ.get(REPORT):
        Path(path).write_text("".join(f"{line}\n" for line in lines))


def not_tested(skipped: Sequence[Any]) -> list[str]:
    """A line for each reason, with the tests that were skipped for it."""
    by_reason = defaultdict(list)
    for report in skipped:
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longrepr
        by_reason[str(reason).removeprefix("Skipped: ")].append(report.nodeid)
    return [
        f"NOT TESTED ({len(names)}), {reason}: {', '.join(names)}"
        for reason, names in by_reason.items()
    ]
