"""A process that ends with this one, however this one ends (see ``guard``)."""

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

#: Seconds to wait for what goes well: on a busy machine a start takes minutes. A process that dies
#: is noticed at once.
PATIENCE = 300.0

#: The signals that stop a process, each with the seconds to wait for its effect. SIGKILL follows.
Steps = tuple[tuple[signal.Signals, float], ...]


class Process:
    """A command in a session of its own, guarded. ``with`` starts and stops it."""

    def __init__(
        self,
        name: str,
        command: Sequence[str | Path],
        *,
        env: Mapping[str, str],
        output: Path | None = None,
        stop: Steps = ((signal.SIGTERM, 10.0),),
        keep_open: Sequence[int] = (),
    ) -> None:
        """``output`` is a file to append what the command prints to; by default that goes to
        our own standard output. ``keep_open`` are file descriptors that stay open
        until the command has ended, for locks."""
        self.name = name
        self.command = [str(part) for part in command]
        self.env = dict(env)
        self.output = output
        self._steps = stop
        self._keep_open = keep_open
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
        log = self.output.open("ab") if self.output else None
        try:
            self._guard = subprocess.Popen(
                [sys.executable, "-I", "-S", str(GUARD), steps, "--", *self.command],
                stdin=its.fileno(),
                stdout=log,
                stderr=None if log is None else subprocess.STDOUT,
                cwd=ROOT,
                env=self.env,
                start_new_session=True,
                pass_fds=self._keep_open,
            )
        finally:
            its.close()
            if log:
                log.close()
        self._lifeline, self._pid = ours, None

    @property
    def pid(self) -> int:
        """The command's own pid. Raises ``StackError`` if it could not be started."""
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
        """The lines of its output, from the file's start, as they come until it has ended.

        A file and not a pipe: a pipe would break if we died, and it would end in the middle.
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
        """Its exit code once it has ended; 128 + n where signal n ended it.

        Raises ``subprocess.TimeoutExpired`` after ``seconds``.
        """
        assert self._guard is not None, f"{self.name} was not started"
        return self._guard.wait(seconds)

    def kill(self, number: signal.Signals = signal.SIGKILL) -> None:
        """Send a signal to the command itself; after SIGKILL, wait until nothing of it is left."""
        os.kill(self.pid, number)
        if number == signal.SIGKILL:
            self.wait(PATIENCE)

    def restart(self) -> None:
        """Stop it where it runs, and start it again."""
        self.stop()
        self.start()

    def stop(self) -> None:
        """Stop it gracefully, or else by force. Returns when nothing of it is left."""
        stop_all([self])

    def let_go(self) -> None:
        """Have it stopped without waiting for it."""
        if self._lifeline is not None:
            self._lifeline.close()

    def wait_until(self, ready: Callable[[], Any], seconds: float = PATIENCE) -> None:
        """Call ``ready`` until it returns something true.

        Raises ``StackError`` with the end of its output when it dies or ``seconds`` have passed.
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
    """Stop them at the same time. Returns when nothing of them is left."""
    started = [process for process in processes if process._guard is not None]
    for process in started:
        process.let_go()
    for process in started:
        process.wait()


def package(name: str) -> Path:
    """The directory of an installed package, which is not imported: we want its binaries only."""
    found = importlib.util.find_spec(name)
    if found is None or found.origin is None:
        raise StackError(f"the package {name} is missing: run this through make")
    return Path(found.origin).parent
