"""``make test``: the tests, on real servers."""

import contextlib
import signal
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from stack import debian, environment, servers
from stack.state import State, fresh
from stack.supervision.process import Process

#: pytest reports what it has at SIGINT.
STOP = ((signal.SIGINT, 30.0), (signal.SIGTERM, 5.0))
#: These run beside all others, on servers of their own: about half of the work.
BESIDE = (
    *("tests/browser", "tests/referees", "tests/unit", "tests/integration/providers"),
    "tests/acceptance",
    # After the browser, whose requests end with ERR_NETWORK_CHANGED where an interface comes or
    # goes on the machine.
    "tests/integration/scale",
    "tests/faults",  # last: its service goes on until the end
)


def test(arguments: Sequence[str]) -> int:
    """pytest's exit code. With arguments of one's own, coverage is not measured."""
    debian.installed(*debian.OF_THE_TESTS)
    if not arguments:
        return _everything()
    with fresh("test") as state, servers.running(state, start_rabbitmq=True) as found:
        env = environment.of(state, found)
        with _python(state, env, "pytest", *arguments) as pytest:
            return pytest.wait()


def _everything() -> int:
    """Two halves at once. What the one beside printed is shown when the other has ended, and last
    of all what neither has tested."""
    others = [f"--ignore={directory}" for directory in BESIDE]
    with _half("test", *others) as half, _half("beside", *BESIDE, beside=True) as beside:
        codes = [half.pytest.wait(), beside.pytest.wait()]
        assert beside.pytest.output
        print(f"\n{beside.pytest.output.read_text()}", flush=True)
        parts = [half.coverage, beside.coverage]
        # Into a third file: coverage passes by what it combines into.
        env = {**half.env, "COVERAGE_FILE": str(half.state.directory / "combined")}
        for command in (["combine", "--quiet", *parts], ["report", "--skip-covered"]):
            with _python(half.state, env, "coverage", *command) as coverage:
                codes.append(coverage.wait())
        print(f"\n{half.not_tested()}{beside.not_tested()}", end="", flush=True)
    return next((code for code in codes if code), 0)


@dataclass(frozen=True, slots=True)
class Half:
    """A run of pytest, one of two at the same time."""

    state: State
    env: Mapping[str, str]
    pytest: Process

    @property
    def coverage(self) -> str:
        return self.env["COVERAGE_FILE"]

    def not_tested(self) -> str:
        """What it has skipped, a line for each reason."""
        report = Path(self.env["NOT_TESTED_REPORT"])
        return report.read_text() if report.exists() else ""


@contextlib.contextmanager
def _half(name: str, *arguments: str, beside: bool = False) -> Iterator[Half]:
    """pytest on the servers that are given. The one ``beside`` has servers of its own, whatever is
    given, and prints into a file."""
    with contextlib.ExitStack() as stack:
        state = stack.enter_context(fresh(name))
        output = state.log(name) if beside else None
        with output.open("w") if output else contextlib.nullcontext(sys.stdout) as shown:
            with contextlib.redirect_stdout(shown):
                own = servers.running(state, start_rabbitmq=True, given=not beside)
                found = stack.enter_context(own)
        env = environment.of(state, found) | {
            "COVERAGE_FILE": str(state.directory / "measured"),
            "NOT_TESTED_REPORT": str(state.directory / "not-tested"),
        }
        measured = ["pytest", "--cov", "--cov-report=", "--cov-fail-under=0"]
        with _python(state, env, *measured, *arguments, output=output) as pytest:
            yield Half(state, env, pytest)


def _python(
    state: State, env: Mapping[str, str], *arguments: str, output: Path | None = None
) -> Process:
    command = [sys.executable, "-m", *arguments]
    lock = [state.lock]
    return Process(arguments[0], command, env=env, output=output, stop=STOP, keep_open=lock)
