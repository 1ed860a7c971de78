"""What deploys the service is made from the one description of its processes, and holds."""

import re
import subprocess
from pathlib import Path

import pytest
import yaml
from django.conf import settings

from config.processes.process import Probe
from config.processes.table import PROCESSES
from config.version import VERSION
from notifier.domain.queues import names
from stack.deployment.files import CHART, DEPLOY, UNITS, generated, left_over, unit
from stack.supervision.process import ROOT
from stack.supervision.processes import STOPPING, Procfile

BY_NAME = {one.name: one for one in PROCESSES}


@pytest.mark.parametrize("path", generated(), ids=lambda path: str(path.relative_to(ROOT)))
def test_a_generated_file_is_what_the_description_makes_of_it(path: Path) -> None:
    assert path.read_text() == generated()[path], "run `make deployment`"


def test_no_unit_is_left_over_of_a_process_that_there_is_no_more() -> None:
    assert left_over() == []


def test_every_queue_is_consumed_by_one_process() -> None:
    consumed = [queue for one in PROCESSES for queue in one.queues]
    assert sorted(consumed) == sorted(names(settings.CHANNELS))


def test_every_process_is_in_the_procfile_the_compose_file_the_units_and_the_chart() -> None:
    compose = yaml.safe_load((DEPLOY / "compose.yaml").read_text())["services"]
    chart = yaml.safe_load((CHART / "files" / "processes.yaml").read_text())
    named = [one.name.replace("_", "-") for one in PROCESSES]
    assert list(Procfile({}, ROOT).commands) == list(BY_NAME)
    assert list(compose) == ["migrate", *named]
    assert [one["name"] for one in chart] == named
    assert {path.name for path in UNITS.iterdir()} == {
        *("notifier.target", "notifier-migrate.service"),
        *(unit(one) for one in PROCESSES),
    }


def test_a_shell_gets_the_same_command_from_each_of_them() -> None:
    compose = yaml.safe_load((DEPLOY / "compose.yaml").read_text())["services"]
    chart = yaml.safe_load((CHART / "files" / "processes.yaml").read_text())
    for one, charted in zip(PROCESSES, chart, strict=True):
        command = Procfile({}, ROOT).commands[one.name].replace("exec bin/behind ", "exec ")
        service = compose[charted["name"]]["command"]
        text = (UNITS / unit(one)).read_text()
        [started] = re.findall('^ExecStart=/bin/sh -c "(.*)"$', text, re.M)
        assert charted["command"] == command
        assert service == ["/bin/sh", "-c", command.replace("$", "$$")]
        assert started.replace("$$", "$").replace("%%", "%") == command


def test_only_bulk_workers_run_behind_the_others() -> None:
    compose = yaml.safe_load((DEPLOY / "compose.yaml").read_text())["services"]
    bulk = {one.name for one in PROCESSES if one.bulk}
    assert bulk == {"fanout", "push", "sms", "email", "webhook"}
    for name, command in Procfile({}, ROOT).commands.items():
        assert ("bin/behind" in command) == (name in bulk)
        assert ("cpu_shares" in compose[name.replace("_", "-")]) == (name in bulk)
        assert ("CPUWeight=" in (UNITS / unit(BY_NAME[name])).read_text()) == (name in bulk)


def test_every_process_has_time_to_stop_and_a_probe() -> None:
    compose = yaml.safe_load((DEPLOY / "compose.yaml").read_text())["services"]
    grace = re.search(r"terminationGracePeriodSeconds: (\d+)", _template("deployments.yaml"))
    assert grace and int(grace[1]) > STOPPING
    for one in PROCESSES:
        service = compose[one.name.replace("_", "-")]
        text = (UNITS / unit(one)).read_text()
        assert service["stop_grace_period"] == f"{STOPPING}s"
        assert f"TimeoutStopSec={STOPPING}\n" in text
        assert service["healthcheck"]["test"][1] == "bin/probe"
        assert ("WatchdogSec=" in text) == (one.probe == Probe.PROGRESS)


def test_nothing_may_write_to_its_files_or_gain_privileges() -> None:
    compose = yaml.safe_load((DEPLOY / "compose.yaml").read_text())["services"]
    for service in compose.values():
        assert service["read_only"] is True
        assert service["cap_drop"] == ["ALL"]
        assert service["security_opt"] == ["no-new-privileges:true"]
    for path in UNITS.glob("*.service"):
        assert {"ProtectSystem=strict", "NoNewPrivileges=yes", "User=notifier"} <= set(
            path.read_text().splitlines()
        )
    assert "readOnlyRootFilesystem: true" in _template("_helpers.tpl")
    assert "runAsNonRoot: true" in _template("_helpers.tpl")


def test_the_chart_is_of_this_version() -> None:
    chart = yaml.safe_load((CHART / "Chart.yaml").read_text())
    assert (chart["version"], chart["appVersion"]) == (VERSION, VERSION)


def test_the_values_name_processes_that_there_are() -> None:
    values = yaml.safe_load((CHART / "values.yaml").read_text())
    assert values["processes"].keys() <= {one.name.replace("_", "-") for one in PROCESSES}


def test_the_probe_of_the_image_is_where_the_chart_asks() -> None:
    [port] = re.findall(r"NOTIFIER_PROBE_PORT=(\d+)", (ROOT / "Containerfile").read_text())
    assert f"containerPort: {port}}}" in _template("deployments.yaml")


def test_the_image_has_what_the_service_reads_and_not_what_tests_it() -> None:
    [*_, base] = re.findall(r"^FROM (\S+)", (ROOT / "Containerfile").read_text(), re.M)
    final = (ROOT / "Containerfile").read_text().rpartition(f"FROM {base}\n")[2]
    assert not re.search(r"gcc|build-essential|python3-pip|python3-venv|sandbox", final)
    assert re.search(r"^USER [1-9]\d*:[1-9]\d*$", final, re.M)
    passed = re.findall("^!(.+)$", (ROOT / ".dockerignore").read_text(), re.M)
    assert all((ROOT / name).exists() for name in passed)
    assert set(passed).isdisjoint({"sandbox", "stack", "tests", "bench", "faults", ".git"})


def test_make_deployment_changes_nothing_where_nothing_is_stale() -> None:
    done = subprocess.run(
        [ROOT / ".venv" / "bin" / "python", "-m", "stack.deployment"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == ""


def _template(name: str) -> str:
    return (CHART / "templates" / name).read_text()
