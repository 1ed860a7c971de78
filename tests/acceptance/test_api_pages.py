"""Examples of the API's and the sandbox's pages, run as they are printed on a running service.

The ``sh`` blocks of a page are one script, its ``python`` blocks another. A ``json`` block after a
``sh`` block is what that prints: the same keys and types, whatever the values.
"""

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from drf_spectacular.generators import SchemaGenerator

from stack import servers, stage
from stack.debian import CURL
from stack.stage import Stage
from stack.state import fresh
from stack.supervision.process import PATIENCE, ROOT
from tests.support.programs import need

OVERVIEW = ROOT / "docs" / "api" / "README.md"
PAGES = sorted(page for page in OVERVIEW.parent.glob("*.md") if page != OVERVIEW)
WITH_EXAMPLES = [*PAGES, ROOT / "docs" / "sandbox.md"]
#: Printed after each block, to tell one's output from the next one's.
END = "@@@ end of block @@@"
MANAGING = (
    "keys:write,audit:read,suppressions:write,suppressions:read,notifications:write,"
    "categories:write,notifications:critical,directory:personal"
)
CREATE_PUBLISHERS = f"""
import sys, django
from django.core.management import call_command
django.setup()
call_command("create_publisher", "docs-accounts", "--directory")
for name in sys.argv[1:]:
    call_command("create_publisher", name)
    call_command("create_publisher", name, "--another-key", "--scopes={MANAGING}")
"""


@dataclass(frozen=True)
class Block:
    """A fenced block of a page."""

    language: str
    text: str


def blocks(page: Path) -> list[Block]:
    found = re.findall(r"^```(\w+)\n(.*?)^```$", page.read_text(), re.DOTALL | re.MULTILINE)
    return [Block(*one) for one in found]


@pytest.fixture(scope="module")
def service() -> Iterator[Stage]:
    """The whole service, with the sandbox in place of providers."""
    with fresh("pages") as state, servers.running(state) as found:
        with stage.running(state, found, receipts=True) as on:
            yield on


@pytest.fixture(scope="module")
def keys(service: Stage) -> dict[str, str]:
    """The directory's key, and for each page and language a publisher with two keys.

    Made by one process, not by twenty.
    """
    words = [f"{page.stem}-{language}" for page in WITH_EXAMPLES for language in ("curl", "python")]
    command = [sys.executable, "-c", CREATE_PUBLISHERS, *(f"docs-{word}" for word in words)]
    done = subprocess.run(
        command,
        env=service.env,
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
        timeout=PATIENCE,
        check=True,
    )
    directory, *pairs = done.stdout.split()
    publishing = dict(zip(words, pairs[::2], strict=True))
    managing = dict(zip((f"{word}-managing" for word in words), pairs[1::2], strict=True))
    return {**publishing, **managing, "directory": directory}


@pytest.fixture
def environment(
    service: Stage, keys: dict[str, str], request: pytest.FixtureRequest
) -> dict[str, str]:
    """The environment that a page's examples may use, with a publisher of its own."""
    name = request.node.callspec.params["page"].stem
    word = f"{name}-{request.node.originalname.rpartition('_')[2]}"
    return {
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "PYTHONPATH": str(ROOT),
        "PAGE": word,
        "NOTIFIER_URL": service.api_url,
        "STREAM_URL": service.stream_url,
        "NOTIFIER_KEY": keys[word],
        "DIRECTORY_KEY": keys["directory"],
        "MANAGING_KEY": keys[f"{word}-managing"],
        "SANDBOX_URL": service.sandbox["control_url"],
        "WEBHOOK_URL": service.sandbox["webhook"]["base_url"],
        "INBOX_SECRET": service.env["NOTIFIER_INBOX_JWT_SECRET"],
    }


def run(command: list[str], script: str, environment: dict[str, str]) -> str:
    done = subprocess.run(
        command,
        input=script,
        env=environment,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    assert done.returncode == 0, f"{done.stdout[-3000:]}\n{done.stderr[-3000:]}"
    return done.stdout


def in_language(language: str) -> list[Path]:
    return [page for page in WITH_EXAMPLES if any(one.language == language for one in blocks(page))]


@pytest.mark.parametrize("page", in_language("sh"), ids=lambda page: page.stem)
def test_what_a_page_does_with_curl(page: Path, environment: dict[str, str]) -> None:
    need(CURL)
    every = blocks(page)
    commands = [one for one in every if one.language == "sh"]
    script = "".join(f"{one.text}\necho; echo '{END}'\n" for one in commands)
    printed = run(["sh", "-eu"], script, environment).split(END)
    answers = dict(zip(map(id, commands), printed, strict=False))
    for command, shown in pairwise(every):
        if command.language == "sh" and shown.language == "json":
            answer = json.loads(answers[id(command)].strip().splitlines()[-1])
            assert shape(answer, json.loads(shown.text)) is None


@pytest.mark.parametrize("page", in_language("python"), ids=lambda page: page.stem)
def test_what_a_page_does_with_python(page: Path, environment: dict[str, str]) -> None:
    script = "\n".join(one.text for one in blocks(page) if one.language == "python")
    run([sys.executable, "-"], script, environment)


def shape(answer: Any, shown: Any, where: str = "") -> str | None:
    """A sentence where ``answer`` has other keys or types than what is ``shown``."""
    if answer is None or shown is None:
        return None
    if isinstance(answer, bool) or isinstance(shown, bool) or type(answer) is not type(shown):
        same = isinstance(answer, type(shown)) or {type(answer), type(shown)} == {int, float}
        return None if same else f"{where or 'the answer'} is {answer!r} and shown as {shown!r}"
    if isinstance(answer, list):
        return shape(answer[0], shown[0], f"{where}[0]") if answer and shown else None
    if not isinstance(answer, dict):
        return None
    if is_table(where):
        return None
    if answer.keys() != shown.keys():
        return f"{where or 'the answer'} has {sorted(answer)} and is shown with {sorted(shown)}"
    found = (shape(answer[key], shown[key], f"{where}.{key}") for key in answer)
    return next((sentence for sentence in found if sentence), None)


def is_table(where: str) -> bool:
    """Return whether the object's keys are values themselves: channels, states, field names."""
    return where.rpartition(".")[2] in {"counts", "states", "data", "actions", "before", "after"}


def test_every_page_shows_something_that_is_run() -> None:
    languages = {page.name: {one.language for one in blocks(page)} for page in WITH_EXAMPLES}
    assert [name for name, found in languages.items() if not found & {"sh", "python"}] == []


def test_the_overview_has_every_operation_and_no_other() -> None:
    shown = re.findall(r"^\| `([A-Z]+ /v1/\S+)` \|", OVERVIEW.read_text(), re.MULTILINE)
    schema = SchemaGenerator().get_schema(request=None, public=True)
    methods = {"get", "post", "put", "patch", "delete"}
    operations = [
        f"{method.upper()} {path}"
        for path, item in schema["paths"].items()
        for method in item.keys() & methods
    ]
    assert sorted(shown) == sorted(operations)


def test_the_overview_links_every_page() -> None:
    linked = set(re.findall(r"\]\(([a-z-]+\.md)\)", OVERVIEW.read_text()))
    assert linked == {page.name for page in PAGES}
