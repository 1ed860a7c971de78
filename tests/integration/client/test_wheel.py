"""The client's wheel, built and installed by itself: what a developer gets."""

import re
import subprocess
import sys
import tomllib
import venv
from importlib import metadata
from pathlib import Path
from typing import Any

import pytest

from apps.publishers import services
from apps.publishers.scopes import Scope
from notifier_client.version import __version__
from stack.install import CLIENT
from stack.supervision.process import PATIENCE, ROOT

PIP = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--no-input", "--quiet"]
FIRST_CALL = """
import sys
from notifier_client import NotifierClient, TemplateContent
with NotifierClient(*sys.argv[1:]) as client:
    client.create_topic("news")
    print([topic.name for topic in client.list_topics()])
"""
TYPED = """
from notifier_client import AsyncNotifierClient, NotifierClient
reveal_type(NotifierClient("https://example.com", "ntf_key").publish("news", body="Hello"))
reveal_type([one async for one in AsyncNotifierClient("", "").list_topics()])
NotifierClient("https://example.com", "ntf_key").publish("news", boddy="Hello")
"""


def run(command: list[str], *, code: int = 0, cwd: Path = ROOT, **env: str) -> str:
    """Run a command with nothing of this environment but ``env``; what it printed."""
    done = subprocess.run(
        command, env=env, cwd=cwd, capture_output=True, text=True, timeout=PATIENCE, check=False
    )
    assert done.returncode == code, done.stdout + done.stderr
    return done.stdout + done.stderr


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    where = tmp_path_factory.mktemp("wheel")
    offline = ["--no-index", "--no-deps", "--no-build-isolation"]
    run([*PIP, "wheel", *offline, "--wheel-dir", str(where), str(CLIENT)])
    [built] = where.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def python(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The interpreter of an environment with the wheel and what it needs: urllib3, as installed.

    pip has no index, so it would fail if the wheel needed anything else.
    """
    place = tmp_path_factory.mktemp("empty")
    venv.create(place, with_pip=False, symlinks=True)
    [packages] = place.glob("lib/python*/site-packages")
    for path in {file.parts[0] for file in metadata.files("urllib3") or ()}:
        (packages / path).symlink_to(metadata.distribution("urllib3").locate_file(path))
    interpreter = place / "bin" / "python"
    run([*PIP, "--python", str(interpreter), "install", "--no-index", str(wheel)])
    return interpreter


@pytest.mark.django_db(transaction=True)
def test_the_wheel_makes_a_call_of_a_service_with_nothing_but_urllib3_beside_it(
    python: Path, live_server: Any, tmp_path: Path
) -> None:
    publisher = services.create_publisher("shop")
    _, key = services.create_key(publisher.pk, set(Scope))
    printed = run([str(python), "-c", FIRST_CALL, live_server.url, key], cwd=tmp_path)
    assert printed == "['news']\n"
    command = [str(python.with_name("notifier")), "topics", "get", "news"]
    assert "news" in run(command, cwd=tmp_path, NOTIFIER_URL=live_server.url, NOTIFIER_KEY=key)


def test_mypy_knows_the_wheels_types(python: Path, tmp_path: Path) -> None:
    (tmp_path / "user.py").write_text("async def main() -> None:" + TYPED.replace("\n", "\n    "))
    strict = ["--strict", "--cache-dir", str(tmp_path), "--python-executable", str(python)]
    said = run([sys.executable, "-m", "mypy", *strict, "user.py"], code=1, cwd=tmp_path)
    assert 'is "notifier_client.rows.notifications.Notification"' in said
    assert 'is "list[notifier_client.rows.topics.Topic]"' in said or "list[Topic]" in said
    assert re.findall(r"error: (.*?)  \[", said) == [
        'Unexpected keyword argument "boddy" for "publish" of "Publishing"; did you mean "body"?'
    ]


def test_the_asynchronous_client_says_which_extra_it_needs(python: Path) -> None:
    program = "from notifier_client import NotifierClient, AsyncNotifierClient"
    said = run([str(python), "-c", program], code=1)
    assert "AsyncNotifierClient needs aiohttp: pip install 'notifier-client[async]'" in said


def test_the_wheel_has_its_types_licence_and_readme_and_no_tests(wheel: Path) -> None:
    files = run([sys.executable, "-m", "zipfile", "--list", str(wheel)])
    info = f"notifier_client-{__version__}.dist-info"
    for name in ("notifier_client/py.typed", f"{info}/licenses/LICENSE", f"{info}/METADATA"):
        assert name in files
    assert "test" not in files.replace("entry_points", "")
    assert "pycache" not in files


def test_the_package_has_the_licence_of_the_service_and_its_versions_in_its_changelog() -> None:
    assert (CLIENT / "LICENSE").read_bytes() == (ROOT / "LICENSE").read_bytes()
    changelog = (CLIENT / "CHANGELOG.md").read_text()
    assert f"## {__version__}" in changelog or "## Unreleased" in changelog
    project = tomllib.loads((CLIENT / "pyproject.toml").read_text())["project"]
    assert [re.split("[<>=]", one)[0] for one in project["dependencies"]] == ["urllib3"]
