"""``manage.py doctor`` in this process, and as an operator runs it."""

import io
import json
import os
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest
from django.core.management import call_command

from apps.doctor.findings import Finding, Level
from stack.supervision.process import PATIENCE, ROOT

Doctor = Callable[..., list[Finding]]


def parsed(text: str) -> list[Finding]:
    return [Finding(**row) for row in json.loads(text)["findings"]]


@pytest.fixture
def doctor(db: None) -> Doctor:
    """Run it with the settings of this process: findings about one thing that are not fine."""

    def run(about: str, *arguments: str) -> list[Finding]:
        output = io.StringIO()
        try:
            call_command("doctor", "--json", *arguments, stdout=output)
        except SystemExit:
            pass
        return [
            one for one in parsed(output.getvalue()) if one.about == about and one.level != Level.OK
        ]

    return run


@pytest.fixture
def command() -> Callable[..., tuple[int, list[Finding]]]:
    """Run it as a program with these variables: its exit code and all findings."""

    def run(*arguments: str, **env: Any) -> tuple[int, list[Finding]]:
        done = subprocess.run(
            [sys.executable, "manage.py", "doctor", "--json", *arguments],
            cwd=ROOT,
            env={**os.environ, **env},
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )
        assert done.stdout, done.stderr
        return done.returncode, parsed(done.stdout)

    return run


def only(findings: list[Finding], level: Level, words: str) -> Finding:
    """Return the one finding with these words, which is of this level and says what to do."""
    [found] = [one for one in findings if words in one.message]
    assert found.level == level and found.remedy, found
    return found
