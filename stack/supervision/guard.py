"""``python -I -S guard.py INT:10,QUIT:5 -- COMMAND…``: run a command that cannot outlive its owner.

Standard input is one end of a socket pair, and its owner holds the other end. However the owner
ends, SIGKILL included, the kernel closes that end, and then this process sends the command the
signals named (each with the seconds to wait for its effect) and kills what is left of it. What
the command leaves behind when it ends by itself is killed as well.

The command's pid is written to the socket, followed by a newline. The exit code is the command's,
or 128 + n where signal n ended it. Only the standard library is used, and no site-packages: a
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

#: Seconds that what the command left behind has to end by itself before it is killed.
STRAGGLERS = 1.0
PR_SET_CHILD_SUBREAPER = 36  # linux/prctl.h


def main() -> int:
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
    family = _Family(child.pid)
    while family.code is None:
        readable, _, _ = select.select([lifeline, asked], [], [])
        if lifeline in readable or _terminated(asked):
            family.stop(steps)
            break
        family.reap()
    family.end()
    return family.code if family.code is not None else 128 + signal.SIGKILL


def _steps() -> list[list[str]]:
    return [step.split(":") for step in sys.argv[1].split(",")]


def _listen(asked: socket.socket, wakeup: socket.socket) -> None:
    """Have the number of every signal that matters written to ``wakeup``."""
    for end in (asked, wakeup):
        end.setblocking(False)
    signal.set_wakeup_fd(wakeup.fileno())
    for number in (signal.SIGCHLD, signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        # Handlers and not SIG_IGN, which the command would inherit.
        signal.signal(number, lambda *_: None)


def _terminated(asked: socket.socket) -> bool:
    with contextlib.suppress(BlockingIOError):
        return signal.SIGTERM in asked.recv(4096)
    return False


def _adopt_orphans() -> None:
    """On Linux, what a dead parent leaves becomes our child, wherever its session is."""
    if sys.platform == "linux":
        import ctypes

        ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


class _Family:
    """The command and everything it started."""

    def __init__(self, leader: int) -> None:
        self.leader = leader
        self.code: int | None = None

    def reap(self) -> None:
        """Collect the dead; note the command's exit code."""
        with contextlib.suppress(ChildProcessError):
            while True:
                pid, status = os.waitpid(-1, os.WNOHANG)
                if pid == 0:
                    return
                if pid == self.leader:
                    code = os.waitstatus_to_exitcode(status)
                    self.code = code if code >= 0 else 128 - code

    def stop(self, steps: list[tuple[signal.Signals, float]]) -> None:
        """Ask the command itself to end, ever less gently. It tells its own children."""
        for number, seconds in steps:
            if self.code is None:
                os.kill(self.leader, number)
                self._wait(seconds, lambda: self.code is not None)

    def end(self) -> None:
        """Let nothing of the family live."""
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
        """The pids below this process, the command's whole process group included."""
        table = _processes()
        found = {pid for pid, (_, group) in table.items() if group == self.leader}
        new = found | {os.getpid()}
        while new:
            new = {pid for pid, (parent, _) in table.items() if parent in new} - found
            found |= new
        return found


def _processes() -> dict[int, tuple[int, int]]:
    """pid -> (parent's pid, process group) of what runs; the dead who wait to be reaped do not."""
    if not os.path.isdir("/proc/self"):
        return _processes_by_ps()
    table = {}
    for name in os.listdir("/proc"):
        if name.isdigit():
            with contextlib.suppress(OSError), open(f"/proc/{name}/stat") as stat:
                # The command's name is in brackets and may hold anything, brackets too.
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
