"""``make test``: the tests, on real servers."""

import signal
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from stack import chromium, environment, servers
from stack.process import Process
from stack.state import State, fresh

#: pytest reports what it has at SIGINT.
STOP = ((signal.SIGINT, 30.0), (signal.SIGTERM, 5.0))
#: These use no server of ours and wait most of their time, so they run beside all others.
BESIDE = ("tests/unit", "tests/integration/providers")


def test(arguments: Sequence[str]) -> int:
    """pytest's exit code. With arguments of one's own, coverage is not measured."""
    chromium.installed()
    with fresh("test") as state, servers.running(state, start_rabbitmq=True) as found:
        env = environment.of(state, found)
        if not arguments:
            return _everything(state, env)
        with _python(state, env, "pytest", *arguments) as pytest:
            return pytest.wait()


def _everything(state: State, env: Mapping[str, str]) -> int:
    """Two at once. What the one beside printed is shown when the other has ended."""
    parts = [state.directory / "beside.coverage", state.directory / "others.coverage"]
    measured = ["pytest", "--cov", "--cov-report=", "--cov-fail-under=0"]
    ours = {"COVERAGE_FILE": str(parts[0]), "PROMETHEUS_MULTIPROC_DIR": str(state.path("beside"))}
    theirs = {"COVERAGE_FILE": str(parts[1])}
    others = [f"--ignore={directory}" for directory in BESIDE]
    output = state.log("beside")
    with (
        _python(state, {**env, **ours}, *measured, *BESIDE, output=output) as beside,
        _python(state, {**env, **theirs}, *measured, *others) as pytest,
    ):
        codes = [pytest.wait(), beside.wait()]
    print(f"\n{output.read_text()}", flush=True)
    for command in (["combine", "--quiet", *map(str, parts)], ["report", "--skip-covered"]):
        with _python(state, env, "coverage", *command) as coverage:
            codes.append(coverage.wait())
    return next((code for code in codes if code), 0)


def _python(
    state: State, env: Mapping[str, str], *arguments: str, output: Path | None = None
) -> Process:
    command = [sys.executable, "-m", *arguments]
    lock = [state.lock]
    return Process(arguments[0], command, env=env, output=output, stop=STOP, keep_open=lock)
