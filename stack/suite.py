"""``make test``: the tests, on real servers."""

import signal
import sys
from collections.abc import Sequence

from stack import chromium, environment, servers
from stack.process import Process
from stack.state import fresh

#: pytest reports what it has at SIGINT.
STOP = ((signal.SIGINT, 30.0), (signal.SIGTERM, 5.0))


def test(arguments: Sequence[str]) -> int:
    """pytest's exit code. With arguments of one's own, coverage is not measured."""
    command = [sys.executable, "-m", "pytest"]
    command += arguments or ["--cov", "--cov-report=term:skip-covered"]
    chromium.installed()
    with fresh("test") as state, servers.running(state, start_rabbitmq=True) as found:
        env = environment.of(state, found)
        with Process("pytest", command, env=env, stop=STOP, keep_open=[state.lock]) as pytest:
            return pytest.wait()
