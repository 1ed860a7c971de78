"""Examples of the API's pages, the guides and the sandbox's page, run as printed on a service.

The ``sh`` blocks of a page are one script, its ``python`` blocks another. What a block prints may
be shown after it: a ``json`` block is its last line, with the same keys and types, whatever the
values; a ``text`` block is all of it. A block that names a file is saved under that name, for the
scripts to run. A guide's ``sh`` blocks come after the functions of the guides' overview.
"""

import contextlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from drf_spectacular.generators import SchemaGenerator
from playwright.sync_api import expect

from notifier_client import NotifierClient
from stack import chromium, servers, whole_service
from stack.debian import CHROMIUM, CURL, NODE, NPM
from stack.state_directory import fresh
from stack.supervision import ports
from stack.supervision.process import PATIENCE, ROOT
from stack.whole_service import Stage
from tests.support.pages import Block, blocks
from tests.support.programs import need
from tests.support.waiting import until

OVERVIEW = ROOT / "docs" / "api" / "README.md"
PAGES = sorted(page for page in OVERVIEW.parent.glob("*.md") if page != OVERVIEW)
GUIDES_OVERVIEW = ROOT / "docs" / "guides" / "README.md"
GUIDES = sorted(page for page in GUIDES_OVERVIEW.parent.glob("*.md") if page != GUIDES_OVERVIEW)
WITH_EXAMPLES = [*PAGES, *GUIDES, ROOT / "docs" / "sandbox.md"]
#: What a guide's reader has pasted before.
[FUNCTIONS] = [one.text for one in blocks(GUIDES_OVERVIEW) if "api() {" in one.text]
#: Where guides have a program of the reader's listen.
READERS_PORT = re.compile(r"\b8080\b")
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
call_command("create_publisher", "docs-login", "--critical")
for name in sys.argv[1:]:
    call_command("create_publisher", name)
    call_command("create_publisher", name, "--another-key", "--scopes={MANAGING}")
"""


@pytest.fixture(scope="module")
def port() -> int:
    """The port of a guide's own program."""
    return ports.free()


@pytest.fixture(scope="module")
def service(port: int) -> Iterator[Stage]:
    """The whole service, with the sandbox in place of providers."""
    settings = {"NOTIFIER_INBOX_ORIGINS": f"http://127.0.0.1:{port}"}
    with fresh("pages") as state, servers.running(state) as found:
        with whole_service.running(state, found, settings=settings, receipts=True) as on:
            yield on


@pytest.fixture(scope="module")
def keys(service: Stage) -> dict[str, str]:
    """The directory's and the login's key, and for each page and language a publisher with two.

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
    directory, login, *pairs = done.stdout.split()
    publishing = dict(zip(words, pairs[::2], strict=True))
    managing = dict(zip((f"{word}-managing" for word in words), pairs[1::2], strict=True))
    return {**publishing, **managing, "directory": directory, "login": login}


@pytest.fixture
def environment(
    service: Stage, keys: dict[str, str], tmp_path: Path, request: pytest.FixtureRequest
) -> dict[str, str]:
    """The environment that a page's examples may use, with a publisher of its own."""
    name = request.node.callspec.params["page"].stem
    word = f"{name}-{request.node.originalname.rpartition('_')[2]}"
    return {
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "PYTHONPATH": str(ROOT),
        "REPOSITORY": str(tmp_path / "repository"),
        "PAGE": word,
        "NOTIFIER_URL": service.api_url,
        "STREAM_URL": service.stream_url,
        "NOTIFIER_KEY": keys[word],
        "DIRECTORY_KEY": keys["directory"],
        "MANAGING_KEY": keys[f"{word}-managing"],
        "LOGIN_KEY": keys["login"],
        "SANDBOX_URL": service.sandbox["control_url"],
        "WEBHOOK_URL": service.sandbox["webhook"]["base_url"],
        "INBOX_SECRET": service.env["NOTIFIER_INBOX_JWT_SECRET"],
    }


@pytest.fixture
def printed(service: Stage, port: int, tmp_path: Path, page: Path) -> list[Block]:
    """The page's blocks with this service's addresses; files that it names are saved."""
    found = []
    for block in blocks(page):
        text = block.text.replace("http://127.0.0.1:8000", service.api_url)
        text = text.replace("http://127.0.0.1:8001", service.stream_url)
        found.append(replace(block, text=READERS_PORT.sub(str(port), text)))
    for block in found:
        if block.file:
            (tmp_path / block.file).parent.mkdir(exist_ok=True)
            (tmp_path / block.file).write_text(block.text)
    return found


def run(command: list[str], script: str, environment: dict[str, str], place: Path) -> str:
    """Run it in ``place``, end what it left in the background, and return what it printed."""
    with tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as complaints:
        with subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=out,
            stderr=complaints,
            env=environment,
            cwd=place,
            text=True,
            start_new_session=True,
        ) as process:
            try:
                process.communicate(script, timeout=PATIENCE)
            except subprocess.TimeoutExpired:
                pass  # it is ended, and fails below with what it printed
            finally:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)
        out.seek(0)
        complaints.seek(0)
        said = out.read()
        ended = "ended" if process.returncode >= 0 else f"was still at it after {PATIENCE:g} s"
        printed = f"{said[-3000:]}\n{complaints.read()[-3000:]}"
        assert process.returncode == 0, f"It {ended} ({process.returncode}):\n{printed}"
        return said


def in_language(language: str) -> list[Path]:
    return [page for page in WITH_EXAMPLES if scripted(blocks(page), language)]


def scripted(every: Sequence[Block], language: str) -> list[Block]:
    """The blocks of a page's script in this language."""
    return [one for one in every if one.language == language and not one.file]


def compare(every: Sequence[Block], ran: Sequence[Block], output: str) -> None:
    """Hold what each block printed against the block that follows it, where that shows it."""
    answers = dict(zip(map(id, ran), output.split(END), strict=False))
    for command, shown in pairwise(every):
        if (answer := answers.get(id(command))) is None:
            continue
        if shown.language == "json":
            last = json.loads(answer.strip().splitlines()[-1])
            assert shape(last, json.loads(shown.text)) is None
        if shown.language == "text":
            assert answer.strip().splitlines() == shown.text.strip().splitlines()


@pytest.mark.parametrize("page", in_language("sh"), ids=lambda page: page.stem)
def test_what_a_page_does_with_curl(
    page: Path, printed: list[Block], environment: dict[str, str], tmp_path: Path
) -> None:
    need(CURL)
    commands = scripted(printed, "sh")
    if any("npm " in one.text for one in commands):
        need(NODE, NPM)
        environment = {**os.environ, **environment}  # npm's registry, certificates and cache
        copy_inbox_library(tmp_path / "repository")
    script = FUNCTIONS if page in GUIDES else ""
    script += "".join(f"{one.text}\necho; echo '{END}'\n" for one in commands)
    compare(printed, commands, run(["sh", "-eu"], script, environment, tmp_path))


def copy_inbox_library(repository: Path) -> None:
    """Copy the sources of ``packages/inbox``: nothing is installed in the tree that others edit."""
    left_out = shutil.ignore_patterns("node_modules", "dist", "build", "*.tgz")
    place = Path("packages", "inbox")
    shutil.copytree(ROOT / place, repository / place, ignore=left_out)


@pytest.mark.parametrize("page", in_language("python"), ids=lambda page: page.stem)
def test_what_a_page_does_with_python(
    page: Path, printed: list[Block], environment: dict[str, str], tmp_path: Path
) -> None:
    examples = scripted(printed, "python")
    script = "".join(f"{one.text}\nprint({END!r})\n" for one in examples)
    compare(printed, examples, run([sys.executable, "-"], script, environment, tmp_path))


@pytest.mark.parametrize("page", [GUIDES_OVERVIEW.with_name("bell-in-a-page.md")])
def test_the_bell_of_its_guide_counts_what_is_sent(
    page: Path,
    printed: list[Block],
    service: Stage,
    keys: dict[str, str],
    port: int,
    packed_inbox_library: Path,
) -> None:
    need(CHROMIUM)
    shop = packed_inbox_library
    secret = {"INBOX_SECRET": service.env["NOTIFIER_INBOX_JWT_SECRET"]}
    with NotifierClient(service.api_url, keys["directory"]) as directory:
        directory.upsert_recipient("ida")
    with (
        subprocess.Popen([sys.executable, "serve.py"], env=secret, cwd=shop) as backend,
        chromium.running() as browser,
        NotifierClient(service.api_url, keys["bell-in-a-page-curl"]) as publisher,
    ):
        try:
            until(lambda: ports.listens(port))
            tab = browser.new_page()
            tab.goto(f"http://127.0.0.1:{port}")
            seen = tab.locator("notifier-bell .badge")
            posted = publisher.notify_users(
                ["ida"], channels=["inbox"], title="Look here", display_type="banner_dismiss"
            )
            publisher.wait(posted.id, timeout=PATIENCE)
            expect(tab.get_by_text("Look here").first).to_be_visible(timeout=PATIENCE * 1000)
            expect(seen).to_have_text(re.compile(r"[1-9]"), timeout=PATIENCE * 1000)
        finally:
            backend.kill()


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
    run = set(in_language("sh")) | set(in_language("python"))
    assert [page.name for page in WITH_EXAMPLES if page not in run] == []


def test_every_file_that_a_page_has_saved_is_run_or_opened() -> None:
    for page in WITH_EXAMPLES:
        script = "".join(one.text for one in scripted(blocks(page), "sh"))
        for block in blocks(page):
            if block.language == "python" and block.file:
                assert f"python3 {Path(block.file).name}" in script, f"{page.name}: {block.file}"


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
