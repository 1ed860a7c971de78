"""``manage.py doctor`` as an operator runs it."""

import os
import subprocess
import sys

import pytest

from apps.doctor.findings import Level
from stack.supervision import ports
from stack.supervision.process import PATIENCE, ROOT
from tests.integration.doctor.test_database import of_tests


def run(*arguments: str, **env: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "manage.py", "doctor", *arguments],
        cwd=ROOT,
        env={**os.environ, **env},
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )


def test_warnings_alone_exit_with_0_and_each_says_what_to_do(transactional_db):
    done = run(DATABASE_URL=of_tests())
    assert done.returncode == 0, done.stdout + done.stderr
    lines = done.stdout.splitlines()
    warnings = [number for number, line in enumerate(lines) if line.startswith("warning")]
    assert warnings and all("→" in lines[number + 1] for number in warnings)
    assert {line.split()[0] for line in lines} == {"ok", "warning", "→"}


def test_an_error_exits_with_1_and_the_other_checks_go_on(transactional_db):
    away = f"redis://127.0.0.1:{ports.free()}/0"
    done = run(DATABASE_URL=of_tests(), REDIS_URL=away)
    assert done.returncode == 1
    assert "error    redis" in done.stdout and "ok       database" in done.stdout
    assert done.stderr == ""


def test_json_has_every_finding(command, transactional_db):
    code, findings = command(DATABASE_URL=of_tests())
    assert code == 0
    assert {one.level for one in findings} == {Level.OK, Level.WARNING}
    assert {"settings", "database", "connections", "keys", "broker", "redis", "machine"} <= {
        one.about for one in findings
    }


@pytest.mark.parametrize("numbers", ["push", "pushes=2", "push=two"])
def test_a_process_that_there_is_not_is_refused(numbers):
    done = run("--processes", numbers)
    assert done.returncode == 2 and "process" in done.stderr


def test_no_secret_is_printed(transactional_db):
    done = run("--json", DATABASE_URL=of_tests())
    for name in ("NOTIFIER_SECRET_KEY", "NOTIFIER_ENCRYPTION_KEYS", "NOTIFIER_BLIND_INDEX_KEY"):
        assert os.environ[name] not in done.stdout
