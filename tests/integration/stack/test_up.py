"""``make up``: the whole service, until Ctrl-C or until one of its processes dies."""

import re
import signal

import psutil
import pytest

from stack.supervision.process import PATIENCE
from stack.supervision.processes import READY
from tests.support.http_status import status
from tests.support.process_tree import Launcher

SERVERS = {"DATABASE_URL": "", "REDIS_URL": "", "AMQP_URL": "amqp://127.0.0.1:1//"}


@pytest.fixture
def up(tmp_path):
    state = str(tmp_path / "state")
    launcher = Launcher("-m", "stack", "up", "--state", state, log=tmp_path / "log", env=SERVERS)
    launcher.wait_for("Ctrl-C stops everything")
    yield launcher
    if launcher.process.poll() is None:
        launcher.send(signal.SIGKILL)
    launcher.leaves_nothing()


def test_all_that_it_prints_can_be_opened_and_ctrl_c_stops_it(up, tmp_path):
    docs, admin, flower, sandbox = (
        re.search(rf"{name} +(http://\S+)", up.output)
        for name in ("API docs", "Admin", "Flower", "Sandbox")
    )
    assert status(docs[1]) == 200
    assert status(admin[1]) == 200  # after a redirect to its log-in
    assert status(flower[1]) == 200  # after a redirect to the admin's log-in
    assert status(f"{flower[1]}metrics") == 401
    assert status(sandbox[1]) == 200
    state = str(tmp_path / "state")
    second = Launcher("-m", "stack", "up", "--state", state, log=tmp_path / "second", env=SERVERS)
    assert second.process.wait(PATIENCE) == 1
    assert f"in use by process {up.process.pid}" in second.output
    up.send(signal.SIGINT)
    up.leaves_nothing()
    assert up.process.returncode == 0


@pytest.mark.parametrize("formation", ["all=0,web=1", "all=0,housekeeping=1"])
def test_the_addresses_are_printed_where_only_some_are_to_be_started(formation, tmp_path):
    command = ("-m", "stack", "up", "--state", str(tmp_path / "state"))
    env = SERVERS | {"FORMATION": formation}
    up = Launcher(*command, log=tmp_path / "log", env=env)
    try:
        up.wait_for("Ctrl-C stops everything", 120)
        url = re.search(r"API +(http://\S+)", up.output)[1]
        if "web=1" in formation:
            assert status(f"{url}/healthz") == 200
    finally:
        up.send(signal.SIGINT)
        up.leaves_nothing()
    assert (READY in up.output) == ("web=1" not in formation)


def test_two_that_a_script_starts_together_run_both_and_heed_ctrl_c(tmp_path):
    both = []
    for name in ("one", "two"):
        # What a script puts into the background begins with SIGINT ignored, and exec keeps that.
        command = ("-m", "stack", "up", "--state", str(tmp_path / name))
        launcher = Launcher(*command, log=tmp_path / f"{name}.log", env=SERVERS, ignore_sigint=True)
        both.append(launcher)
    try:
        for up in both:
            up.wait_for("Ctrl-C stops everything")
        urls = {re.search(r"API +(http://\S+)", up.output)[1] for up in both}
        assert len(urls) == 2
        assert {status(f"{url}/healthz") for url in urls} == {200}
        for up in both:
            up.send(signal.SIGINT)
        for up in both:
            up.leaves_nothing()
        assert [up.process.returncode for up in both] == [0, 0]
    finally:
        for up in both:
            up.process.kill()


def test_a_process_that_dies_is_named_and_the_rest_is_stopped(up):
    (sms,) = [process for process in up.family() if "deliver.sms.high" in process.cmdline()]
    sms.send_signal(signal.SIGKILL)
    psutil.wait_procs([sms], PATIENCE)
    up.leaves_nothing()
    assert up.process.returncode == 1
    assert "sms_high ended with code" in up.output.splitlines()[-1]
