"""A directory that one stack keeps its data, secrets and logs in."""

import contextlib
import fcntl
import json
import os
import secrets
import shutil
import tempfile
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

from stack.errors import StackError
from stack.supervision.process import ROOT

HOME = ROOT / ".notifier"
#: JSON and not for the shell: a terminal with these settings would use the running database for
#: its own demo and tests.
ENV = "env.json"
#: Seconds that the servers of a stack which was killed may take to end.
STOPPING = 60.0


class State:
    """A state directory that nobody else uses.

    Two locks say so. ``owner`` is this process's alone. ``lock`` is inherited by the guards of
    what it starts, and so it is free only when all of that has ended.
    """

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        directory.mkdir(parents=True, exist_ok=True)
        self._owner = _open(directory / "owner")
        self.lock = _open(directory / "lock")
        try:
            self._take()
        except BaseException:
            self.close()
            raise

    def _take(self) -> None:
        if not _locked(self._owner):
            owner = os.pread(self._owner, 20, 0).decode()
            raise StackError(
                f"{self.directory} is in use by process {owner}. Stop that one first (Ctrl-C)."
            )
        (self.directory / ENV).unlink(missing_ok=True)  # the last one's, which was killed
        os.ftruncate(self._owner, 0)
        os.pwrite(self._owner, str(os.getpid()).encode(), 0)
        deadline = time.monotonic() + STOPPING
        while not _locked(self.lock):
            if time.monotonic() > deadline:
                raise StackError(f"the last stack in {self.directory} does not end")
            time.sleep(0.1)

    def close(self) -> None:
        """Let others have the directory."""
        os.close(self._owner)
        os.close(self.lock)

    def path(self, name: str) -> Path:
        """A directory inside, made where it is missing."""
        path = self.directory / name
        path.mkdir(exist_ok=True)
        return path

    def log(self, name: str) -> Path:
        """The file that the process of this name writes to."""
        return self.path("logs") / f"{name}.log"

    def publish_env(self, env: Mapping[str, str]) -> None:
        """Let ``running_env`` find the environment of what runs here."""
        write_private(self.directory / ENV, json.dumps(env, indent=1, sort_keys=True))

    def secret(self, name: str, value: str | None = None) -> str:
        """The secret kept under this name; at first ``value``, or else a random one."""
        path = self.path("secrets") / name
        if not path.exists():
            write_private(path, value or secrets.token_urlsafe(24))
        return path.read_text()


@contextlib.contextmanager
def kept(directory: Path = HOME) -> Iterator[State]:
    """A state directory that stays, for ``make up``."""
    state = State(directory)
    try:
        yield state
    finally:
        state.close()


@contextlib.contextmanager
def fresh(purpose: str) -> Iterator[State]:
    """A new state directory, removed at the end unless that is an error: the logs say why."""
    parent = HOME / "runs"
    parent.mkdir(parents=True, exist_ok=True)
    with open(parent / "lock", "w") as making:
        fcntl.flock(making, fcntl.LOCK_EX)  # or another run could sweep what is not locked yet
        _sweep(parent)
        state = State(Path(tempfile.mkdtemp(prefix=f"{purpose}-", dir=parent)))
    state.directory.chmod(0o755)  # a database of another user is inside
    try:
        yield state
    except StackError:
        print(f"The logs are in {state.directory / 'logs'}", flush=True)
        raise
    except BaseException:
        shutil.rmtree(state.directory, ignore_errors=True)
        raise
    else:
        shutil.rmtree(state.directory, ignore_errors=True)
    finally:
        state.close()


def running_env(directory: Path) -> dict[str, str]:
    """What the stack that runs in a directory has published of its environment.

    Raises ``StackError`` where none runs there, or none that is ready.
    """
    try:
        with open(directory / "owner") as owner:
            # Shared, so that two who ask do not take each other for the owner.
            fcntl.flock(owner, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except FileNotFoundError:
        pass
    except BlockingIOError:
        return _published(directory / ENV)
    raise StackError("`make up` does not run. Start it in another terminal, and wait for its URLs.")


def _published(env: Path) -> dict[str, str]:
    try:
        found: dict[str, str] = json.loads(env.read_text())
    except FileNotFoundError:
        raise StackError(
            "`make up` is still starting. Try again once it has named its URLs."
        ) from None
    return found


def write_private(path: Path, text: str) -> None:
    """Write a file that only its owner can read, at once or not at all."""
    descriptor, name = tempfile.mkstemp(dir=path.parent)
    with os.fdopen(descriptor, "w") as file:
        file.write(text)
    os.replace(name, path)


def _sweep(parent: Path) -> None:
    """Remove what earlier runs left that were killed or failed."""
    for directory in parent.glob("*-*"):
        with contextlib.suppress(OSError):
            lock = os.open(directory / "lock", os.O_RDWR)
            try:
                if _locked(lock):
                    shutil.rmtree(directory, ignore_errors=True)
            finally:
                os.close(lock)


def _open(path: Path) -> int:
    return os.open(path, os.O_RDWR | os.O_CREAT, 0o600)


def _locked(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
