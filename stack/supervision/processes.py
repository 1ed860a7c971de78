"""The Procfile's processes: for ``runner``, the demo and the tests."""

import copy
import re
import signal
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Self

from stack.errors import StackError
from stack.supervision.network_host import HERE, Place
from stack.supervision.ports import HOST, listens
from stack.supervision.process import PATIENCE, ROOT, Process, stop_all

#: Seconds for a process to stop: a worker ends the calls that it has begun, records their outcomes
#: and releases the rest, with a broker and a database that may be slow.
STOPPING = 45
STOP = ((signal.SIGTERM, float(STOPPING)),)
#: A line of a Procfile that is a command; comments and all other lines are not.
COMMAND = re.compile(r"([A-Za-z0-9_-]+):\s*(\S.*)")
#: Numbers of processes by command.
FORMATION = re.compile(r"[\w-]+=\d+(,[\w-]+=\d+)*")
#: The port in a command that listens at one, of which only one process can run.
PORT = re.compile(r"\$\{?PORT\b")
#: The end of the line that a worker logs once it consumes its queues.
READY = " ready."


class Procfile:
    """The commands of a Procfile, to be run in an environment.

    ``env``: the complete environment; nothing is added. Logs go to ``<logs>/<name>.log``. The
    commands run in the directory of ``path``. Raises ``StackError`` for a file that cannot be read.
    """

    def __init__(
        self,
        env: Mapping[str, str],
        logs: Path,
        *,
        keep_open: Sequence[int] = (),
        path: Path = ROOT / "Procfile",
        place: Place = HERE,
    ) -> None:
        try:
            lines = path.read_text().splitlines()
        except OSError as error:
            raise StackError(f"{path} cannot be read: {error.strerror}") from error
        found = [match for line in lines if (match := COMMAND.match(line))]
        self.commands = {match[1]: match[2].strip() for match in found}
        self.env = env
        self.logs = logs
        self._code = path.parent
        self._keep_open = keep_open
        self._place = place

    def start(self, *names: str, formation: Mapping[str, int] | None = None) -> "Running":
        """Start these, or all of them. Returns before they are ready: see ``Running``.

        ``formation``: numbers of processes by name, default 1; the second is named ``<name>.2``.
        """
        running = Running()
        try:
            for name in names or self.commands:
                for number in range(1, (formation or {}).get(name, 1) + 1):
                    running.add(self.process(name, name if number == 1 else f"{name}.{number}"))
        except BaseException:
            running.stop()
            raise
        return running

    def process(self, name: str, title: str) -> "Worker":
        """Return a process of one command, called ``title``, not started yet."""
        return Worker(
            title,
            self.command(name),
            env=self._environment(title),
            output=self.logs / f"{title}.log",
            stop=STOP,
            keep_open=self._keep_open,
            code=self._code,
        )

    def piped(self, name: str, title: str, pipe: int) -> Process:
        """Return a process like that, which writes to ``pipe``, a file descriptor, and no log."""
        return Process(
            title,
            self.command(name),
            env=self._environment(title),
            pipe=pipe,
            stop=STOP,
            code=self._code,
        )

    def formation(self, wanted: str, names: Sequence[str] = ()) -> dict[str, int]:
        """Return numbers of processes of these commands, or of all: ``all=1,push=2``.

        ``all``: of each command that is not named, by default 1. Raises ``StackError`` for anything
        else, for unknown names, and for several processes that would listen at the same port.
        """
        if wanted and not FORMATION.fullmatch(wanted):
            raise StackError(f"numbers of processes are written push=2,sms=2, and not {wanted}")
        parts = (part.split("=") for part in wanted.split(",") if part)
        numbers = {name: int(number) for name, number in parts}
        every = numbers.pop("all", 1)
        for name in (*names, *numbers):
            self.command(name)
        found = {name: numbers.get(name, every) for name in names or self.commands}
        for name, number in found.items():
            if number > 1 and PORT.search(self.commands[name]):
                raise StackError(
                    f"{number} of {name} would listen at the same port: "
                    f"write {name}=1, and set WEB_PROCESSES to more"
                )
        return found

    def command(self, name: str) -> list[str]:
        """Return a command by its name. Raises ``StackError`` for one that the Procfile has not."""
        if name not in self.commands:
            raise StackError(f"the Procfile has no {name}, only {', '.join(self.commands)}")
        return [*self._place.enter, "/bin/sh", "-c", self.commands[name]]

    def _environment(self, title: str) -> dict[str, str]:
        return {**self.env, "HONCHO_PROCESS_NAME": title}


class Worker(Process):
    """A process of the Procfile: web server, stream, Celery worker, beat or Flower."""

    _log_start = 0

    @property
    def log(self) -> str:
        """Output of the process since it was last started."""
        assert self.output
        with self.output.open("rb") as file:
            file.seek(self._log_start)
            return file.read().decode(errors="replace")

    def twin(self) -> "Worker":
        """Return a second process of the same command under another name, not started yet."""
        assert self.output
        twin = copy.copy(self)
        twin.name, twin._guard = f"{self.name}.twin", None
        twin.env = self.env | {"HONCHO_PROCESS_NAME": twin.name}
        twin.output = self.output.with_name(f"{twin.name}.log")
        return twin

    def start(self) -> None:
        assert self.output
        self._log_start = self.output.stat().st_size if self.output.exists() else 0
        super().start()

    def wait_ready(self, seconds: float = PATIENCE) -> None:
        """Wait until it is ready. Raises ``StackError`` with the end of its log."""
        self.wait_until(self._ready, seconds)

    def _ready(self) -> bool:
        command = self.name.partition(".")[0]
        if command == "web":
            address = self.env.get("WEB_HOST", HOST)
            return listens(int(self.env.get("PORT", "8000")), address)
        if command == "stream":
            address = self.env.get("STREAM_HOST", HOST)
            return listens(int(self.env.get("STREAM_PORT", "8001")), address)
        if command == "flower":
            return listens(int(self.env.get("FLOWER_PORT", "5555")))
        return command == "beat" or READY in self.log


class Running:
    """Running processes by name. ``with`` stops them at the end."""

    def __init__(self) -> None:
        self._processes: dict[str, Worker] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def __getitem__(self, name: str) -> Worker:
        return self._processes[name]

    def add(self, process: Worker) -> None:
        """Start another process."""
        self._processes[process.name] = process
        process.start()

    def wait_ready(self, seconds: float = PATIENCE) -> Self:
        """Wait until all are ready. Raises ``StackError`` that names the one that is not."""
        for process in self._processes.values():
            process.wait_ready(seconds)
        return self

    def kill(self, name: str, number: signal.Signals = signal.SIGKILL) -> None:
        """Send one of them a signal."""
        self[name].kill(number)

    def restart(self, name: str) -> None:
        """Restart one of them, or start it if it is not running. Returns before it is ready."""
        self[name].restart()

    def replace(self, name: str, by: Worker | None = None) -> Worker:
        """Start another in its place: ``by``, or one of the same command.

        Returns the old one, still running, for callers to stop.
        """
        old = self[name]
        self._processes[name] = by or old.twin()
        self._processes[name].start()
        return old

    def pids(self) -> dict[str, int]:
        """Return the pids of running processes by name."""
        return {name: process.pid for name, process in self._processes.items() if process.alive}

    def dead(self) -> list[str]:
        """Return the names of processes that are not running."""
        return [name for name, process in self._processes.items() if not process.alive]

    def stop(self, *names: str) -> None:
        """Stop these, or all of them, concurrently."""
        stop_all([self[name] for name in names or self._processes])
