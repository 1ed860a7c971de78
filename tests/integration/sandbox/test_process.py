"""The sandbox as a process: its start, its files and its end."""

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from pyreqwest.exceptions import RequestError

from sandbox.protocol.exchange import LONGEST_SILENCE
from stack.supervision.process import PATIENCE
from tests.support.sandbox_fixture import ROOT, RunningSandbox, start_sandbox
from tests.support.waiting import until


def test_a_restart_keeps_the_keys_and_the_directory_is_private(tmp_path: Path) -> None:
    directory = tmp_path / "deep" / "sandbox"
    first = start_sandbox(directory)
    first.stop()
    second = start_sandbox(directory)
    try:
        for part, keys in (
            ("apns", ("key_id", "team_id")),
            ("twilio", ("account_sid", "auth_token")),
            ("sendgrid", ("api_key",)),
            ("smtp", ("password",)),
        ):
            for key in keys:
                assert first.config[part][key] == second.config[part][key]
        assert second.config["pid"] == second.process.pid
        assert directory.stat().st_mode & 0o777 == 0o700
        assert all(file.stat().st_mode & 0o777 == 0o600 for file in directory.iterdir())
    finally:
        second.stop()


@pytest.mark.parametrize("signal_number", [signal.SIGTERM, signal.SIGINT])
def test_it_stops_without_the_requests_that_wait(tmp_path: Path, signal_number: int) -> None:
    running = start_sandbox(tmp_path)
    url = f"{running.config['webhook']['base_url']}/a?behave=timeout"

    def wait_for_ever() -> None:
        with pytest.raises(RequestError):
            running.http().post(url).build().send()

    waiting = threading.Thread(target=wait_for_ever)
    waiting.start()
    with socket.create_connection(("127.0.0.1", running.config["smtp"]["port"]), timeout=PATIENCE):
        until(running.client.messages)
        started = time.monotonic()
        os.kill(running.process.pid, signal_number)
        assert running.process.wait(PATIENCE) == 0
        assert time.monotonic() - started < LONGEST_SILENCE / 2, "it waited for the requests"
    waiting.join()
    assert running.log == ""


def test_a_taken_port_is_a_clear_error(sandbox: RunningSandbox, tmp_path: Path) -> None:
    taken = sandbox.config["control_url"].rpartition(":")[2]
    command = [sys.executable, "-m", "sandbox", "--dir", str(tmp_path), "--port", taken]
    done = subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, timeout=PATIENCE, check=False
    )
    assert done.returncode == 1
    assert done.stderr.startswith("the sandbox cannot start:")
    assert "Traceback" not in done.stderr
