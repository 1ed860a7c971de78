"""``python -I -S guard.py INT:10,QUIT:5 -- COMMAND…``: run a command that cannot outlive its owner.

Standard input is one end of a socket pair whose other end the owner holds. However the owner ends,
SIGKILL included, the kernel closes that end; then this process sends the command the given signals
(each with the seconds to wait for its effect) and kills what is left of it. Processes that the
command leaves behind when it ends by itself are killed too.

The command's pid is written to the socket, followed by a newline. The exit code is the command's,
or 128 + n where signal n ended it. Only the standard library is used, without site-packages: a
guard runs for each process, and before anything is installed.
"""

import contextlib
import os
import select
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable

#: Seconds for processes that the command left behind to end by themselves before they are killed.
STRAGGLERS = 1.0
PR_SET_CHILD_SUBREAPER = 36  # linux/prctl.h


def main() -> int:
    """Run the command, and return its exit code."""
    steps = [(signal.Signals[f"SIG{name}"], float(seconds)) for name, seconds in _steps()]
    command = sys.argv[3:]
    asked, wakeup = socket.socketpair()
    _listen(asked, wakeup)
    _adopt_orphans()
    lifeline = socket.socket(fileno=0)
    try:
        # Sessions of their own: a Ctrl-C at the terminal reaches the owner, who decides.
        child = subprocess.Popen(command, stdin=subprocess.DEVNULL, start_new_session=True)
    except OSError as error:
        print(f"{command[0]}: {error.strerror}", flush=True)
        return 127
    with contextlib.suppress(OSError):
        lifeline.sendall(b"%d\n" % child.pid)
    tree = _ProcessTree(child.pid)
    while tree.code is None:
        readable, _, _ = select.select([lifeline, asked], [], [])
        if lifeline in readable or _terminated(asked):
            tree.stop(steps)
            break
        tree.reap()
    tree.end()
    return tree.code if tree.code is not None else 128 + signal.SIGKILL


def _steps() -> list[list[str]]:
    return [step.split(":") for step in sys.argv[1].split(",")]


def _listen(asked: socket.socket, wakeup: socket.socket) -> None:
    """Have the number of every relevant signal written to ``wakeup``."""
    for end in (asked, wakeup):
        end.setblocking(False)
    signal.set_wakeup_fd(wakeup.fileno())
    for number in (signal.SIGCHLD, signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        # Handlers, since the command would inherit SIG_IGN.
        signal.signal(number, lambda *_: None)


def _terminated(asked: socket.socket) -> bool:
    with contextlib.suppress(BlockingIOError):
        return signal.SIGTERM in asked.recv(4096)
    return False


def _adopt_orphans() -> None:
    """Become, on Linux, the parent of orphaned descendants, in whatever session they are."""
    if sys.platform == "linux":
        import ctypes

        ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


class _ProcessTree:
    """The command and all its descendants."""

    def __init__(self, leader: int) -> None:
        self.leader = leader
        self.code: int | None = None

    def reap(self) -> None:
        """Reap ended processes, and record the command's exit code."""
        with contextlib.suppress(ChildProcessError):
            while True:
                pid, status = os.waitpid(-1, os.WNOHANG)
                if pid == 0:
                    return
                if pid == self.leader:
                    code = os.waitstatus_to_exitcode(status)
                    self.code = code if code >= 0 else 128 - code

    def stop(self, steps: list[tuple[signal.Signals, float]]) -> None:
        """Send the command the signals of ``steps`` until it ends; it stops its own children."""
        for number, seconds in steps:
            if self.code is None:
                os.kill(self.leader, number)
                self._wait(seconds, lambda: self.code is not None)

    def end(self) -> None:
        """Kill everything that is left of the tree."""
        self._wait(STRAGGLERS, lambda: not self._members())
        deadline = time.monotonic() + 10
        while (members := self._members()) and time.monotonic() < deadline:
            with contextlib.suppress(OSError):
                os.killpg(self.leader, signal.SIGKILL)
            for pid in members:
                with contextlib.suppress(OSError):
                    os.kill(pid, signal.SIGKILL)
            self._wait(0.1, lambda: not self._members())
        self.reap()

    def _wait(self, seconds: float, done: Callable[[], bool]) -> None:
        deadline = time.monotonic() + seconds
        while True:
            self.reap()
            if done() or time.monotonic() > deadline:
                return
            time.sleep(0.02)

    def _members(self) -> set[int]:
        """Return the pids of all descendants, and of the command's process group."""
        table = _processes()
        found = {pid for pid, (_, group) in table.items() if group == self.leader}
        new = found | {os.getpid()}
        while new:
            new = {pid for pid, (parent, _) in table.items() if parent in new} - found
            found |= new
        return found


def _processes() -> dict[int, tuple[int, int]]:
    """Return pid -> (parent's pid, process group) of all running processes, without zombies."""
    if not os.path.isdir("/proc/self"):
        return _processes_by_ps()
    table = {}
    for name in os.listdir("/proc"):
        if name.isdigit():
            with contextlib.suppress(OSError), open(f"/proc/{name}/stat") as stat:
                # The command's name is in brackets and may contain brackets itself.
                state, parent, group = stat.read().rpartition(")")[2].split()[:3]
                if state not in "ZX":
                    table[int(name)] = (int(parent), int(group))
    return table


def _processes_by_ps() -> dict[int, tuple[int, int]]:
    ps = subprocess.Popen(["ps", "-axo", "pid=,ppid=,pgid=,stat="], stdout=subprocess.PIPE)
    output = ps.stdout.read().decode()  # type: ignore[union-attr]
    ps.stdout.close()  # type: ignore[union-attr]
    rows = [line.split() for line in output.splitlines()]
    return {
        int(pid): (int(parent), int(group))
        for pid, parent, group, state in rows
        if not state.startswith("Z") and int(pid) != ps.pid
    }


if __name__ == "__main__":
    sys.exit(main())
