"""What the image copies is enough for every kind of process, and none of them writes to it."""

import contextlib
import os
import re
import shutil
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from config.processes.process import Probe
from config.processes.table import PROCESSES
from stack import environment, manage, servers
from stack.state_directory import kept
from stack.supervision import ports
from stack.supervision.process import PATIENCE, ROOT
from tests.support.waiting import until

BY_NAME = {one.name: one for one in PROCESSES}
#: A process of each kind.
KINDS = ("web", "stream", "push", "housekeeping", "beat", "flower")
OPEN = ["--open"]
#: What the Containerfile sets for every process.
ENV = dict(re.findall(r"([A-Z_]+)=(\S+)", (ROOT / "Containerfile").read_text()))


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The files that `.dockerignore` lets through, with static files collected."""
    folder = tmp_path_factory.mktemp("image")
    for name in re.findall("^!(.+)$", (ROOT / ".dockerignore").read_text(), re.M):
        there = folder / name
        there.parent.mkdir(parents=True, exist_ok=True)
        if (ROOT / name).is_dir():
            ignored = shutil.ignore_patterns("__pycache__", "*.pyc")
            shutil.copytree(ROOT / name, there, ignore=ignored)
        else:
            shutil.copy2(ROOT / name, there)
    collect = [sys.executable, "manage.py", "collectstatic", "--no-input", "--verbosity", "0"]
    subprocess.run(collect, cwd=folder, env=_env(folder), check=True)
    return folder


def _env(folder: Path, **more: str) -> dict[str, str]:
    path = f"{Path(sys.executable).parent}{os.pathsep}/usr/bin:/bin"
    metrics = folder.with_name(f"{folder.name}-metrics")
    given = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    bare = {"PATH": path, "PYTHONDONTWRITEBYTECODE": "1", "PROMETHEUS_MULTIPROC_DIR": str(metrics)}
    return {**given, **bare, **more}


def _files(folder: Path) -> dict[Path, float]:
    return {path: path.stat().st_mtime for path in folder.rglob("*") if path.is_file()}


def test_the_image_sets_what_a_container_needs():
    assert ENV["WEB_HOST"] == ENV["STREAM_HOST"] == ENV["NOTIFIER_PROBE_HOST"] == "0.0.0.0"
    assert ENV["PROMETHEUS_MULTIPROC_DIR"].startswith("/run/notifier")


@contextlib.contextmanager
def _running(image: Path, command: str, env: dict[str, str], log: Path) -> Iterator[None]:
    with log.open("wb") as output:
        process = subprocess.Popen(
            ["/bin/sh", "-c", command], cwd=image, env=env, stdout=output, stderr=output
        )
        try:
            yield
            assert process.poll() is None, log.read_text()
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(PATIENCE)


def test_each_kind_of_process_is_well_and_writes_nothing_to_the_image(image, tmp_path):
    before = _files(image)
    with kept(tmp_path / "state") as state, servers.running(state) as found:
        env = environment.of(state, found) | {"NOTIFIER_PUBLIC_URL": "http://127.0.0.1"}
        manage.migrate(state, env)
        for one in (BY_NAME[name] for name in KINDS):
            port = ports.free()
            variable = one.port.variable if one.port else "NOTIFIER_PROBE_PORT"
            own = _env(image, **env | {variable: str(port), "WEB_PROCESSES": "1"})
            probe = [image / "bin" / "probe", str(port), *OPEN * (one.probe == Probe.PORT)]
            with _running(image, one.shell(), own, tmp_path / f"{one.name}.log"):

                def is_well(probe=probe, own=own) -> bool:
                    return not subprocess.run(probe, env=own, capture_output=True).returncode

                until(is_well)
    assert _files(image) == before


def test_pages_that_read_files_find_them_in_the_image(image, tmp_path):
    with kept(tmp_path / "state") as state, servers.running(state) as found:
        env = environment.of(state, found)
        manage.migrate(state, env)
        port = ports.free()
        own = _env(image, **env | {"PORT": str(port), "WEB_PROCESSES": "1"})
        with _running(image, BY_NAME["web"].shell(), own, tmp_path / "web.log"):
            until(lambda: ports.listens(port))
            for path in ("/problems", "/v1/docs", "/v1/openapi.json", "/static/admin/css/base.css"):
                with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}") as answer:
                    assert answer.status == 200, path
