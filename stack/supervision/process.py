"""Processes that end with this one, however it ends (see ``guard``)."""

import importlib.util
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Self

from stack.errors import StackError

ROOT = Path(__file__).resolve().parents[2]
GUARD = Path(__file__).with_name("guard.py")

#: Seconds to wait for a start, which takes minutes on a busy machine. A process that dies is
#: noticed at once.
PATIENCE = 300.0

#: The signals that stop a process, each with the seconds to wait for its effect; then SIGKILL.
Steps = tuple[tuple[signal.Signals, float], ...]


class Process:
    """A guarded command in a session of its own. ``with`` starts and stops it."""

    def __init__(
        self,
        name: str,
        command: Sequence[str | Path],
        *,
        env: Mapping[str, str],
        output: Path | None = None,
        pipe: int | None = None,
        stop: Steps = ((signal.SIGTERM, 10.0),),
        keep_open: Sequence[int] = (),
        code: Path = ROOT,
    ) -> None:
        """Prepare a command.

        ``output``: a file that its output is appended to, or ``pipe``: the file descriptor that it
        is written to; by default our own standard output.
        ``keep_open``: file descriptors (locks) that stay open until the command has ended.
        ``code``: the directory that it runs in.
        """
        self.name = name
        self.command = [str(part) for part in command]
        self.env = dict(env)
        self.output = output
        self._pipe = pipe
        self._steps = stop
        self._keep_open = keep_open
        self._code = code
        self._guard: subprocess.Popen[bytes] | None = None
        self._lifeline: socket.socket | None = None
        self._pid: int | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> None:
        """Start it. Returns before it is ready: see ``wait_until``."""
        assert not self.alive, f"{self.name} runs already"
        ours, its = socket.socketpair()
        steps = ",".join(f"{number.name[3:]}:{seconds}" for number, seconds in self._steps)
        # Before the guard, which without it could not be stopped if a signal ended us in between.
        self._lifeline, self._pid = ours, None
        log = self.output.open("ab") if self.output else None
        try:
            self._guard = subprocess.Popen(
                [sys.executable, "-I", "-S", str(GUARD), steps, "--", *self.command],
                stdin=its.fileno(),
                stdout=log or self._pipe,
                stderr=subprocess.STDOUT if log or self._pipe is not None else None,
                cwd=self._code,
                env=self.env,
                start_new_session=True,
                pass_fds=self._keep_open,
            )
        finally:
            its.close()
            if log:
                log.close()

    @property
    def pid(self) -> int:
        """The command's pid. Raises ``StackError`` if it could not be started."""
        assert self._lifeline is not None, f"{self.name} was not started"
        if self._pid is None:
            self._lifeline.settimeout(PATIENCE)
            line = self._lifeline.recv(32)
            if not line:
                raise StackError(f"{self.name} could not be started{self._last_words()}")
            self._pid = int(line)
        return self._pid

    @property
    def alive(self) -> bool:
        return self._guard is not None and self._guard.poll() is None

    def follow(self) -> Iterator[str]:
        """Iterate over the lines of its output, from the file's start, until it has ended.

        The output is a file, since a pipe would break if we died and end the command midway.
        """
        assert self.output, f"the output of {self.name} goes elsewhere"
        with self.output.open(errors="replace") as lines:
            part, alive = "", True
            while alive:
                alive = self.alive  # and then read once more
                while part := part + lines.readline():
                    if not part.endswith("\n"):
                        break
                    yield part
                    part = ""
                time.sleep(0.05)

    def wait(self, seconds: float | None = None) -> int:
        """Wait until it has ended; return its exit code, or 128 + n where signal n ended it.

        Raises ``subprocess.TimeoutExpired`` after ``seconds``.
        """
        assert self._guard is not None, f"{self.name} was not started"
        return self._guard.wait(seconds)

    def kill(self, number: signal.Signals = signal.SIGKILL) -> None:
        """Send a signal to the command; after SIGKILL, wait until its whole tree has ended."""
        os.kill(self.pid, number)
        if number == signal.SIGKILL:
            self.wait(PATIENCE)

    def restart(self) -> None:
        """Stop it if it runs, and start it."""
        self.stop()
        self.start()

    def stop(self) -> None:
        """Stop it, by force if needed. Returns when its whole tree has ended."""
        stop_all([self])

    def begin_stop(self) -> None:
        """Begin to stop it, without waiting."""
        if self._lifeline is not None:
            self._lifeline.close()

    def wait_until(self, ready: Callable[[], Any], seconds: float = PATIENCE) -> None:
        """Call ``ready`` until it returns a true value.

        Raises ``StackError`` with the end of its output if it dies or ``seconds`` have passed.
        """
        deadline = time.monotonic() + seconds
        while not ready():
            if not self.alive:
                raise StackError(f"{self.name} stopped while starting{self._last_words()}")
            if time.monotonic() > deadline:
                raise StackError(
                    f"{self.name} was not ready after {seconds:.0f} s{self._last_words()}"
                )
            time.sleep(0.05)

    def _last_words(self) -> str:
        if not self.output or not self.output.exists():
            return ""
        lines = self.output.read_text(errors="replace").splitlines()[-15:]
        return "; its log ends:\n" + "\n".join(f"  {line}" for line in lines)


def stop_all(processes: Iterable[Process]) -> None:
    """Stop processes concurrently. Returns when all have ended."""
    started = [process for process in processes if process._guard is not None]
    for process in started:
        process.begin_stop()
    for process in started:
        process.wait()


def package(name: str) -> Path:
    """Return the directory of an installed package without importing it: only binaries are used."""
    found = importlib.util.find_spec(name)
    if found is None or found.origin is None:
        raise StackError(f"the package {name} is missing: run this through make")
    return Path(found.origin).parent
