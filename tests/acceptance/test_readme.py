"""The README's quickstart, as it is printed there, on a running service."""

import json
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from notifier.sandbox.client import SandboxClient
from stack import servers, stage
from stack.process import ROOT
from stack.stage import Stage
from stack.state import fresh

#: What the quickstart needs; the other channels' workers would only take time to start.
PROCESSES = ("web", "fanout", "push", "sms_high", "email", "housekeeping")


def snippet(language: str) -> str:
    """The README's block in this language."""
    [code] = re.findall(rf"```{language}\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
    return code


@pytest.fixture(scope="module")
def service() -> Iterator[Stage]:
    with (
        fresh("readme") as state,
        servers.running(state) as found,
        stage.running(state, found, *PROCESSES) as on,
    ):
        yield on


@pytest.fixture(scope="module")
def project(service: Stage, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory that looks like this one with ``make up`` running."""
    directory = tmp_path_factory.mktemp("project")
    for name in ("manage.py", "notifier"):
        (directory / name).symlink_to(ROOT / name)
    (directory / ".venv").symlink_to(sys.prefix)
    (directory / ".notifier").mkdir()
    lines = [f"export {name}={shlex.quote(value)}" for name, value in service.env.items()]
    (directory / ".notifier" / "env").write_text("\n".join(lines))
    return directory


@pytest.fixture(scope="module")
def with_curl(project: Path) -> tuple[list[dict], str]:
    """What the curl quickstart printed, answer by answer, and the API key it made."""
    done = run(project, snippet("sh") + '\necho "$KEY"\n')
    *answers, key = done.splitlines()
    return [json.loads(answer) for answer in answers], key


def run(directory: Path, script: str, **env: str) -> str:
    """What a shell that stops at the first error prints. It knows nothing but its PATH."""
    done = subprocess.run(
        ["sh", "-eu"],
        input=script,
        cwd=directory,
        env={"PATH": os.environ["PATH"], **env},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_the_quickstart_with_curl_sends_a_one_time_password(service, with_curl):
    (person, posted, listed), _ = with_curl
    assert person["user_id"] == "ada"
    assert posted["state"] == "accepted"
    assert listed["data"][0]["id"] == posted["id"]
    assert listed["data"][0]["counts"] == {"sms": {"accepted": 1}}
    received = SandboxClient(service.sandbox["control_url"]).messages(channel="sms")
    assert [message["address"] for message in received] == ["+12025550123"]
    assert received[0]["content"]["Body"] == "Your code is 123 456."


def test_the_quickstart_with_the_client_prints_what_the_readme_says(service, project, with_curl):
    _, key = with_curl
    env = {"NOTIFIER_PUBLIC_URL": service.api_url, "KEY": key}
    said = run(project, f".venv/bin/python - <<'EOF'\n{snippet('python')}EOF\n", **env)
    [promised] = re.findall(
        r"It prints:\n\n```\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL
    )
    assert sorted(said.splitlines()) == sorted(promised.splitlines())


def test_both_quickstarts_have_about_twenty_lines():
    assert len(snippet("sh").splitlines()) <= 20
    assert len(snippet("python").splitlines()) <= 20
