"""Nothing that is started outlives its launcher, however that ends."""

import os
import signal
import socket
import sys
import time
from pathlib import Path

import psutil
import pytest

from stack.errors import StackError
from stack.supervision.process import Process
from tests.support.process_tree import Launcher
from tests.support.waiting import until

#: A process that ignores SIGTERM, and its child in a session of its own, as daemons make them.
STUBBORN = (
    "import signal, subprocess, sys, time;"
    "signal.signal(signal.SIGTERM, signal.SIG_IGN);"
    "subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)'],"
    " start_new_session=True);"
    "print('started', flush=True);"
    "time.sleep(600)"
)
LAUNCHER = f"""
import os, signal, sys
from stack.supervision.process import Process
stop = ((signal.SIGTERM, 0.5),)
command = [sys.executable, "-c", {STUBBORN!r}]
with Process("stubborn", command, env=os.environ, stop=stop) as process:
    process.wait()
"""


def process(*command: str, log: Path, grace: float = 5.0) -> Process:
    stop = ((signal.SIGTERM, grace),)
    return Process("example", command, env=os.environ, output=log, stop=stop)


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_a_launcher_that_ends_takes_its_processes_along(number, tmp_path):
    launcher = Launcher("-c", LAUNCHER, log=tmp_path / "log")
    launcher.wait_for("started")
    assert len(launcher.family()) == 3  # the guard, the stubborn one and its child
    launcher.send(number)
    launcher.leaves_nothing()


def test_a_launcher_killed_right_after_the_start_leaves_nothing(tmp_path):
    for delay in (0.08, 0.14, 0.2):
        launcher = Launcher("-c", LAUNCHER, log=tmp_path / "log")
        time.sleep(delay)
        launcher.send(signal.SIGKILL)
        launcher.leaves_nothing()


def test_a_signal_while_it_starts_does_not_keep_it_from_being_stopped(tmp_path, monkeypatch):
    ours, its = socket.socketpair()

    class Signalled:
        """Our end of the lifeline, where the signal comes after the guard's start."""

        fileno = its.fileno

        def close(self):
            its.close()
            raise SystemExit(128 + signal.SIGTERM)

    running = process("sleep", "600", log=tmp_path / "log")
    with ours:
        with monkeypatch.context() as patch:
            patch.setattr(socket, "socketpair", lambda: (ours, Signalled()))
            with pytest.raises(SystemExit):
                running.start()
        running.begin_stop()
        assert running.wait(30) == 128 + signal.SIGTERM


def test_stopping_waits_for_a_graceful_end(tmp_path):
    script = (
        "import signal, sys, time;"
        "signal.signal(signal.SIGTERM, lambda *_: (time.sleep(0.3), print('bye'), sys.exit(0)));"
        "print('started', flush=True); time.sleep(600)"
    )
    log = tmp_path / "log"
    with process(sys.executable, "-c", script, log=log) as running:
        running.wait_until(lambda: "started" in log.read_text())
    assert "bye" in log.read_text()
    assert running.wait() == 0


def test_what_ignores_sigterm_is_killed_after_its_grace(tmp_path):
    log = tmp_path / "log"
    with process(sys.executable, "-c", STUBBORN, log=log, grace=0.5) as running:
        running.wait_until(lambda: "started" in log.read_text())
        family = psutil.Process(running.pid).children(recursive=True)
    assert len(family) == 1
    assert not any(member.is_running() for member in family)
    assert running.wait() == 128 + signal.SIGKILL


def test_a_command_that_dies_leaves_no_children(tmp_path):
    log = tmp_path / "log"
    with process(sys.executable, "-c", STUBBORN, log=log) as running:
        running.wait_until(lambda: "started" in log.read_text())
        family = psutil.Process(running.pid).children(recursive=True)
        running.kill()
        assert family
        assert not any(member.is_running() for member in family)
        assert not running.alive


def test_a_killed_process_can_be_started_again(tmp_path):
    with process("sleep", "600", log=tmp_path / "log") as running:
        first = running.pid
        running.kill()
        running.restart()
        assert running.alive
        assert running.pid != first


def test_a_command_that_does_not_exist_is_named(tmp_path):
    with process("no-such-command", log=tmp_path / "log") as running:
        with pytest.raises(StackError, match="no-such-command: No such file"):
            assert running.pid


def test_a_process_that_dies_while_starting_shows_its_last_words(tmp_path):
    with process("sh", "-c", "echo the port is taken; exit 3", log=tmp_path / "log") as running:
        with pytest.raises(StackError, match=r"example stopped while starting(.|\n)*port is taken"):
            running.wait_until(lambda: False)
        assert running.wait() == 3


def test_signals_reach_the_command_itself(tmp_path):
    with process("sleep", "600", log=tmp_path / "log") as running:
        running.kill(signal.SIGSTOP)
        until(lambda: psutil.Process(running.pid).status() == psutil.STATUS_STOPPED)
        running.kill(signal.SIGCONT)
        until(lambda: psutil.Process(running.pid).status() != psutil.STATUS_STOPPED)
