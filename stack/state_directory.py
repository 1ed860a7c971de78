"""The state directory of a stack: its data, secrets and logs."""

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
#: In JSON, so that no shell reads it: a terminal with these settings would use the running database
#: for its own demo and tests.
ENV = "env.json"
#: Seconds for the servers of a killed stack to end.
STOPPING = 60.0


class State:
    """A state directory, locked against use by others.

    There are two locks. ``owner`` is held by this process alone. ``lock`` is inherited by the
    guards of the processes it starts, so it is free only when all of them have ended.
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
        (self.directory / ENV).unlink(missing_ok=True)  # of an earlier stack that was killed
        os.ftruncate(self._owner, 0)
        os.pwrite(self._owner, str(os.getpid()).encode(), 0)
        deadline = time.monotonic() + STOPPING
        while not _locked(self.lock):
            if time.monotonic() > deadline:
                raise StackError(f"the last stack in {self.directory} does not end")
            time.sleep(0.1)

    def close(self) -> None:
        """Release the directory."""
        os.close(self._owner)
        os.close(self.lock)

    def path(self, name: str) -> Path:
        """Return a directory inside, created where it is missing."""
        path = self.directory / name
        path.mkdir(exist_ok=True)
        return path

    def log(self, name: str) -> Path:
        """Return the log file of the process of this name."""
        return self.path("logs") / f"{name}.log"

    def publish_env(self, env: Mapping[str, str]) -> None:
        """Publish the environment of the running stack for ``running_env``."""
        write_private(self.directory / ENV, json.dumps(env, indent=1, sort_keys=True))

    def secret(self, name: str, value: str | None = None) -> str:
        """Return the secret of this name, created as ``value`` or a random one."""
        path = self.path("secrets") / name
        if not path.exists():
            write_private(path, value or secrets.token_urlsafe(24))
        return path.read_text()


@contextlib.contextmanager
def kept(directory: Path = HOME) -> Iterator[State]:
    """Open a permanent state directory, for ``make up``."""
    state = State(directory)
    try:
        yield state
    finally:
        state.close()


@contextlib.contextmanager
def fresh(purpose: str) -> Iterator[State]:
    """Create a state directory; it is removed at the end, but kept for its logs after an error."""
    parent = HOME / "runs"
    parent.mkdir(parents=True, exist_ok=True)
    with open(parent / "lock", "w") as making:
        fcntl.flock(making, fcntl.LOCK_EX)  # so that no other run removes it before it is locked
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
    """Return the environment that the stack running in a directory has published.

    Raises ``StackError`` where none runs there, or it is not ready.
    """
    try:
        with open(directory / "owner") as owner:
            # Shared, so that two callers do not take each other for the owner.
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
    """Write a file that only its owner can read, atomically."""
    descriptor, name = tempfile.mkstemp(dir=path.parent)
    with os.fdopen(descriptor, "w") as file:
        file.write(text)
    os.replace(name, path)


def _sweep(parent: Path) -> None:
    """Remove the directories of earlier runs that were killed or failed."""
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
