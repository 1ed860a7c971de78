"""A process and everything that it started."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import psutil

from stack.supervision.process import PATIENCE, ROOT
from tests.support.waiting import until


class Launcher:
    """A command that starts others, in a session of its own."""

    def __init__(
        self,
        *command: str,
        log: Path,
        env: dict[str, str] | None = None,
        ignore_sigint: bool = False,
    ) -> None:
        self.log = log
        as_a_script_does = ["sh", "-c", 'trap "" INT; exec "$@"', "sh"] if ignore_sigint else []
        with log.open("wb") as output:
            self.process = subprocess.Popen(
                [*as_a_script_does, sys.executable, *command],
                cwd=ROOT,
                env={**os.environ, **(env or {})},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self._seen: set[psutil.Process] = set()

    @property
    def output(self) -> str:
        return self.log.read_text()

    def wait_for(self, text: str, seconds: float = PATIENCE) -> None:
        """Wait until it has printed this."""
        until(lambda: text in self.output or self.process.poll() is not None, seconds)
        assert text in self.output, self.output

    def family(self) -> list[psutil.Process]:
        """Every descendant it has now; remembered, since one may lose its parent."""
        found = psutil.Process(self.process.pid).children(recursive=True)
        self._seen.update(found)
        return found

    def send(self, number: signal.Signals) -> None:
        """Send a signal to it alone, after noting its descendants."""
        self.family()
        self.process.send_signal(number)

    def leaves_nothing(self, seconds: float = PATIENCE) -> None:
        """Wait until it and every descendant that was seen have ended."""
        self.process.wait(seconds)
        _, alive = psutil.wait_procs(self._seen, seconds)
        assert not alive, [process.cmdline() for process in alive]
