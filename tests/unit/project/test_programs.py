"""Programs that tests may run, and the report of tests that could not run."""

import subprocess
import sys
from types import SimpleNamespace

import pytest

from stack import debian
from stack.supervision.process import GUARD, ROOT
from tests.support.programs import not_tested, stranger


@pytest.mark.parametrize(
    "command",
    [
        [sys.executable, "-c", ""],
        ["sh", "-c", "exit"],
        "/bin/sh",
        [ROOT / "bin" / "behind", "sh"],
        *([package.file] for package in debian.OF_THE_TESTS),
        [
            sys.executable,
            "-I",
            "-S",
            str(GUARD),
            "TERM:5",
            "--",
            "/usr/lib/rabbitmq/bin/rabbitmqctl",
        ],
    ],
)
def test_what_was_installed_may_be_run(command):
    assert stranger(command) is None


@pytest.mark.parametrize(
    "command",
    # As if it were no part of every machine.
    [["ls"], "/bin/ls", [sys.executable, str(GUARD), "TERM:5", "--", "ls"]],
)
def test_what_a_fresh_machine_may_lack_fails_the_test_that_runs_it(command):
    with pytest.raises(pytest.fail.Exception, match="ls may be missing on a fresh machine"):
        subprocess.run(command, check=False)


def test_what_was_skipped_is_listed_by_its_reason():
    reports = [
        SimpleNamespace(nodeid="a", longrepr=("a.py", 1, "Skipped: no browser")),
        SimpleNamespace(nodeid="b", longrepr=("b.py", 2, "Skipped: no RabbitMQ")),
        SimpleNamespace(nodeid="c", longrepr=("c.py", 3, "Skipped: no browser")),
    ]
    assert not_tested(reports) == [
        "NOT TESTED (2), no browser: a, c",
        "NOT TESTED (1), no RabbitMQ: b",
    ]
