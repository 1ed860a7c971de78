"""``packages/node``: its own tests, what is generated and packed, and a program that uses it."""

import inspect
import json
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from apps.publishers.scopes import Scope
from notifier_client import InboxClient, NotifierClient
from stack import servers, whole_service
from stack.state_directory import fresh
from stack.supervision.process import ROOT
from stack.whole_service import Stage
from tests.support.publishers.npm import copied, run

SOURCE = ROOT / "packages" / "node"
GENERATED = SOURCE / "src" / "generated"
PROGRAM = Path(__file__).with_name("node_program.ts")
#: Prints the names of the clients' methods.
METHODS = """
import { InboxClient, NotifierClient } from "notifier-client";
const namesOf = (kind) =>
  kind ? [...Object.getOwnPropertyNames(kind), ...namesOf(Object.getPrototypeOf(kind))] : [];
console.log(JSON.stringify([NotifierClient, InboxClient].map((kind) => namesOf(kind.prototype))));
"""
PROCESSES = ("web", "fanout", "email", "webhook", "housekeeping", "beat")


@pytest.fixture(scope="session")
def package() -> Path:
    """A copy of the package, with TypeScript and what generates; a skip where there is no Node."""
    return copied("node")


@pytest.fixture(scope="session")
def packed(package: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty folder in which the packed file was installed, as a developer does it."""
    [described] = json.loads(run(["npm", "pack", "--json"], package))
    folder = tmp_path_factory.mktemp("shop")
    (folder / "package.json").write_text('{"name": "shop", "type": "module", "private": true}')
    run(["npm", "install", "--offline", str(package / described["filename"])], folder)
    return folder


@pytest.fixture(scope="module")
def service() -> Iterator[Stage]:
    """A running service, with the sandbox in place of providers."""
    with fresh("node") as state, servers.running(state) as found:
        with whole_service.running(state, found, *PROCESSES) as on:
            yield on


def test_its_own_tests_pass(package: Path) -> None:
    run(["npm", "test"], package)


def test_what_is_generated_is_what_the_document_describes(package: Path, tmp_path: Path) -> None:
    source = tmp_path / "openapi.json"
    command = [sys.executable, "-m", "config.web.document"]
    with source.open("wb") as file:
        subprocess.run(command, cwd=ROOT, env={}, stdout=file, check=True)
    run(["node", "scripts/generate.mjs", str(source), str(tmp_path)], package)
    for committed in GENERATED.iterdir():
        made = tmp_path / committed.name
        assert committed.read_text() == made.read_text(), "run `npm run generate` in packages/node"


def test_it_has_the_methods_of_the_python_client(packed: Path) -> None:
    def methods(kind: type) -> set[str]:
        found = inspect.getmembers(kind, inspect.isfunction)
        return {_camel(name) for name, _ in found if name[0] != "_" and name != "close"}

    printed = run(["node", "--input-type=module", "--eval", METHODS], packed)
    publishers, people = (set(names) for names in json.loads(printed))
    assert methods(NotifierClient) - publishers == set()
    assert methods(InboxClient) - people == set()


def test_a_strictly_typed_program_does_with_it_what_publishers_do(
    package: Path, packed: Path, service: Stage
) -> None:
    shutil.copy(PROGRAM, packed / "program.ts")
    run([*_tsc(package), "program.ts"], packed)
    printed = run(
        ["node", "program.js"],
        packed,
        NOTIFIER_URL=service.api_url,
        NOTIFIER_KEY=_manage(service, "create_publisher", "node", f"--scopes={','.join(Scope)}"),
        INBOX_TOKEN=_manage(service, "inbox_token", "ada"),
        SANDBOX_URL=service.sandbox["control_url"],
        WEBHOOK_URL=f"{service.sandbox['webhook']['base_url']}/node",
    )
    assert printed.splitlines()[-1] == "done"


def test_what_is_wrong_with_a_program_is_an_error_of_its_types(package: Path, packed: Path) -> None:
    (packed / "wrong.ts").write_text(
        'import { NotifierClient } from "notifier-client";\n'
        'const client = new NotifierClient("https://example.com", "ntf_key");\n'
        'client.publish("news", { contents: { body: "Hello" } });\n'
        "for await (const topic of client.listTopics()) topic.nane;\n"
    )
    done = subprocess.run(
        [*_tsc(package), "--noEmit", "wrong.ts"],
        cwd=packed,
        capture_output=True,
        text=True,
        check=False,
    )
    found = re.findall(r"wrong\.ts\((\d+),\d+\): error", done.stdout)
    assert (done.returncode, found) == (2, ["3", "4"]), done.stdout


def test_the_programs_of_its_readme_have_the_right_types(package: Path, packed: Path) -> None:
    blocks = re.findall(r"```ts\n(.*?)```", (SOURCE / "README.md").read_text(), re.DOTALL)
    imports = set(re.findall(r"^import .*;$", "\n".join(blocks), re.MULTILINE))
    names = {
        (name.strip(), module)
        for line in imports
        for listed, module in re.findall(r'\{(.*)\} from "(.*)"', line)
        for name in listed.split(",")
    }
    lines = [f'import {{ {name} }} from "{module}";' for name, module in sorted(names)]
    rest = [line for line in "\n".join(blocks).splitlines() if line not in imports]
    program = "\n".join([*lines, "declare const token: string;", *rest])
    (packed / "readme.ts").write_text(program)
    run([*_tsc(package), "--noEmit", "readme.ts"], packed)


def test_what_is_packed_is_the_client_its_types_and_its_papers(package: Path) -> None:
    [described] = json.loads(run(["npm", "pack", "--dry-run", "--json"], package))
    names = {file["path"] for file in described["files"]}
    papers = {"package.json", "README.md", "CHANGELOG.md", "LICENSE"}
    assert papers | {"dist/index.js", "dist/index.d.ts"} <= names
    assert [name for name in names - papers if not re.fullmatch(r"dist/.+\.(js|d\.ts)", name)] == []
    assert (SOURCE / "LICENSE").read_bytes() == (ROOT / "LICENSE").read_bytes()


def test_it_needs_nothing_at_run_time_and_its_lock_names_no_registry() -> None:
    lock = json.loads((SOURCE / "package-lock.json").read_text())
    assert not [name for name, one in lock["packages"].items() if "resolved" in one]
    assert all(one.get("dev") for name, one in lock["packages"].items() if name)


def _tsc(package: Path) -> list[str]:
    """Return the command that checks or compiles a program as a strict project does."""
    modules = package / "node_modules"
    flags = ["--strict", "--target", "es2022", "--module", "nodenext"]
    return [str(modules / ".bin" / "tsc"), *flags, "--typeRoots", str(modules / "@types")]


def _camel(name: str) -> str:
    return re.sub(r"_(\w)", lambda match: match[1].upper(), name)


def _manage(service: Stage, *words: str) -> str:
    """Run a command of manage.py; the last word that it printed."""
    done = subprocess.run(
        [sys.executable, "manage.py", *words],
        env=service.env,
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.split()[-1]
