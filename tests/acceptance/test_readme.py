"""The README's quickstart, as it is printed there, on a running service."""

import json
import os
import re
import shutil
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from sandbox.client import SandboxClient
from stack import servers, whole_service
from stack.debian import CURL
from stack.state_directory import State, kept
from stack.supervision.process import PATIENCE, ROOT
from stack.whole_service import Stage
from tests.support.pages import blocks
from tests.support.programs import need

#: Processes the quickstart needs; the other channels' workers would only take time to start.
PROCESSES = ("web", "fanout", "push", "sms_high", "email", "housekeeping")
PRINTED_URL = "http://127.0.0.1:8000"


def snippet(language: str) -> str:
    """The README's block in this language."""
    [code] = re.findall(rf"```{language}\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
    return code


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory that looks like this one; ``stack`` is a copy, which keeps its state there."""
    directory = tmp_path_factory.mktemp("project")
    for name in ("manage.py", "notifier", "sandbox"):
        (directory / name).symlink_to(ROOT / name)
    shutil.copytree(ROOT / "stack", directory / "stack")
    (directory / ".venv").symlink_to(sys.prefix)
    return directory


@pytest.fixture(scope="module")
def state(project: Path) -> Iterator[State]:
    with kept(project / ".notifier") as state:
        yield state


@pytest.fixture(scope="module")
def service(state: State) -> Iterator[Stage]:
    """The service as ``make up`` runs it, with the processes that are needed.

    Its database and Redis are its own, as a newcomer's are: in the other tests' there is an ada
    with more devices.
    """
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("DATABASE_URL")
        patch.delenv("REDIS_URL")
        with servers.running(state) as found, whole_service.running(state, found, *PROCESSES) as on:
            state.publish_env(on.env)
            yield on


@pytest.fixture(scope="module")
def with_curl(project: Path, service: Stage) -> tuple[list[list[dict]], str]:
    """The output of the curl quickstart, run twice, answer by answer, and the last API key."""
    need(CURL)
    script = snippet("sh")
    assert script.startswith(f"export NOTIFIER_URL={PRINTED_URL}\n")
    script = script.replace(PRINTED_URL, service.api_url) + 'echo "$NOTIFIER_KEY"\n'
    runs = [run(project, script).splitlines() for _ in range(2)]
    return [[json.loads(answer) for answer in answers] for *answers, _ in runs], runs[-1][-1]


def run(directory: Path, script: str, **env: str) -> str:
    """Run it in a shell that stops at the first error and has no variable but ``PATH``."""
    done = subprocess.run(
        ["sh", "-eu"],
        input=script,
        cwd=directory,
        env={"PATH": os.environ["PATH"], **env},
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def manage(project: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [".venv/bin/python", "-m", "stack", "manage", *arguments]
    return subprocess.run(
        command, cwd=project, env={}, capture_output=True, text=True, timeout=PATIENCE, check=False
    )


def test_manage_says_that_nothing_runs(project):
    done = manage(project, "create_publisher", "shop")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.strip().startswith("`make up` does not run.")


def test_manage_says_that_the_service_is_still_starting(project, state):
    done = manage(project, "create_publisher", "shop")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.strip().startswith("`make up` is still starting.")


def test_the_quickstart_with_curl_sends_a_one_time_password_each_time(service, with_curl):
    runs, _ = with_curl
    promised = json.loads(snippet("json"))
    for person, found in runs:
        assert person["user_id"] == "ada"
        assert promised.keys() <= found.keys()
        for name in ("state", "priority", "channels", "counts"):
            assert found[name] == promised[name]
        lives = datetime.fromisoformat(found["expires_at"]) - datetime.fromisoformat(
            found["created_at"]
        )
        assert timedelta(minutes=4) < lives <= timedelta(minutes=5)
    first, second = runs
    assert first[1]["id"] != second[1]["id"]
    received = SandboxClient(service.sandbox["control_url"]).messages(channel="sms")
    assert [message["address"] for message in received] == ["+12025550123"] * 2
    assert received[0]["content"]["Body"] == "Your code is 123 456."


def test_the_quickstart_does_not_go_on_without_a_key(project, service):
    script = snippet("sh").replace(" shop ", " 'two words' ")
    failed = subprocess.run(
        ["sh", "-eu"],
        input=script,
        cwd=project,
        env={"PATH": os.environ["PATH"]},
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    assert "letters, digits, - and _ only" in failed.stderr
    assert (failed.returncode != 0, failed.stdout) == (True, "")


def test_manage_passes_on_what_the_command_came_to(project, service):
    done = manage(project, "create_publisher", "shop", "--another-key", "--or-another-key")
    assert done.returncode != 0
    assert "not allowed with argument" in done.stderr


def test_the_quickstart_with_the_client_prints_what_the_readme_says(service, project, with_curl):
    _, key = with_curl
    env = {"NOTIFIER_URL": service.api_url, "NOTIFIER_KEY": key}
    (project / "quickstart.py").write_text(snippet("python"))
    [promised] = re.findall(
        r"It prints this,[^\n]*:\n\n```\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL
    )
    for _ in range(2):
        said = run(project, ".venv/bin/python quickstart.py", **env).splitlines()
        assert said[0] == promised.splitlines()[0]
        assert sorted(said) == sorted(promised.splitlines())


def test_the_page_of_the_sandbox_says_where_webhooks_are_received(service):
    with urllib.request.urlopen(service.sandbox["control_url"], timeout=PATIENCE) as page:
        assert f"{service.sandbox['webhook']['base_url']}/NAME" in page.read().decode()


def test_the_variables_of_the_guides_open_what_they_are_for(service, project):
    need(CURL)
    page = ROOT / "docs" / "guides" / "README.md"
    variables, functions = (one.text for one in blocks(page) if one.language == "sh")
    assert f"export NOTIFIER_URL={PRINTED_URL}\n" in variables
    calls = """
test -n "$INBOX_SECRET" && test -d "$REPOSITORY" && notifier --version > /dev/null
api "$DIRECTORY_KEY" /v1/recipients/eve -o /dev/null -X PUT -d '{}'
api "$MANAGING_KEY" /v1/categories/security -o /dev/null -X PUT -d '{"kind": "critical"}'
api "$NOTIFIER_KEY" /v1/templates -o /dev/null
api "$LOGIN_KEY" /v1/notifications -d '{"user_id": "eve", "channels": ["inbox"],
  "priority": "high", "category": "security", "content": {"title": "1"}}' | field state
"""
    script = variables.replace(PRINTED_URL, service.api_url) + functions + calls
    assert run(project, script).strip() == "accepted"


def test_both_quickstarts_have_about_twenty_lines():
    assert len(snippet("sh").splitlines()) <= 20
    assert len(snippet("python").splitlines()) <= 20
