"""``make test``: the tests, on real servers."""

import contextlib
import signal
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from stack import debian, environment, servers
from stack.state_directory import State, fresh
from stack.supervision.process import Process

#: At SIGINT pytest reports the results so far.
STOP = ((signal.SIGINT, 30.0), (signal.SIGTERM, 5.0))
#: Tests that run concurrently with all others, on servers of their own: about half of the work.
BESIDE = (
    *("tests/browser", "tests/referees", "tests/unit", "tests/integration/providers"),
    "tests/acceptance",
    # After the browser tests, whose requests fail with ERR_NETWORK_CHANGED when an interface of the
    # machine is added or removed.
    "tests/integration/scale",
    "tests/faults",  # last: its service runs until the end
)


def test(arguments: Sequence[str]) -> int:
    """Run pytest and return its exit code. With ``arguments``, coverage is not measured."""
    debian.installed(*debian.OF_THE_TESTS)
    if not arguments:
        return _everything()
    with fresh("test") as state, servers.running(state, start_rabbitmq=True) as found:
        env = environment.of(state, found)
        with _python(state, env, "pytest", *arguments) as pytest:
            return pytest.wait()


def _everything() -> int:
    """Run two halves of the tests concurrently.

    The second one's output is printed when the first has ended, and then what neither covered.
    """
    others = [f"--ignore={directory}" for directory in BESIDE]
    with _half("test", *others) as half, _half("beside", *BESIDE, beside=True) as beside:
        codes = [half.pytest.wait(), beside.pytest.wait()]
        assert beside.pytest.output
        print(f"\n{beside.pytest.output.read_text()}", flush=True)
        parts = [half.coverage, beside.coverage]
        # Into a third file, since coverage ignores the file that it combines into.
        env = {**half.env, "COVERAGE_FILE": str(half.state.directory / "combined")}
        for command in (["combine", "--quiet", *parts], ["report", "--skip-covered"]):
            with _python(half.state, env, "coverage", *command) as coverage:
                codes.append(coverage.wait())
        print(f"\n{half.not_tested()}{beside.not_tested()}", end="", flush=True)
    return next((code for code in codes if code), 0)


@dataclass(frozen=True, slots=True)
class Half:
    """A run of pytest, one of two concurrent ones."""

    state: State
    env: Mapping[str, str]
    pytest: Process

    @property
    def coverage(self) -> str:
        return self.env["COVERAGE_FILE"]

    def not_tested(self) -> str:
        """Return what it skipped, a line for each reason."""
        report = Path(self.env["NOT_TESTED_REPORT"])
        return report.read_text() if report.exists() else ""


@contextlib.contextmanager
def _half(name: str, *arguments: str, beside: bool = False) -> Iterator[Half]:
    """Run pytest on the given servers; with ``beside`` on its own, with its output in a file."""
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
