"""Systemd's own judgement of the units in ``deploy/systemd``."""

import shutil
import subprocess
from pathlib import Path

import pytest

from config.processes.table import PROCESSES
from stack import debian
from stack.deployment.files import UNITS, unit
from tests.support.programs import need

#: Each unit; of those that may run several times, the first.
NAMES = ["notifier.target", "notifier-migrate.service"]
NAMES += [unit(one).replace("@", "@1") for one in PROCESSES]


def analyze(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    command = ["systemd-analyze", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def units(tmp_path_factory: pytest.TempPathFactory) -> Path:
    need(debian.SYSTEMD)
    return shutil.copytree(UNITS, tmp_path_factory.mktemp("systemd") / "units")


def test_systemd_finds_nothing_wrong_with_the_units(units):
    done = analyze("verify", "--man=no", *(units / name for name in NAMES))
    assert (done.returncode, done.stderr) == (0, "")


def test_systemd_finds_a_wrong_line(units):
    """What it says of ours would mean nothing otherwise."""
    broken = units / "notifier-broken.service"
    broken.write_text((units / "notifier-web.service").read_text() + "[Service]\nNice=many\n")
    assert "nice priority" in analyze("verify", "--man=no", broken).stderr


@pytest.mark.parametrize("name", [name for name in NAMES if name.endswith(".service")])
def test_a_unit_exposes_little(units, name):
    """At most 3 of systemd's 10: it calls up to 4 `OK`, and 9.6 is a unit that says nothing."""
    done = analyze("security", "--offline=yes", "--threshold=30", units / name)
    assert done.returncode == 0, done.stdout
