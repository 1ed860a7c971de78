"""``packages/inbox`` from a copy of its sources: its own tests, its size, and what is packed."""

import json
from pathlib import Path

import pytest

from stack.supervision.process import ROOT
from tests.support.publishers.inbox_library import npm
from tests.support.publishers.npm import run

SOURCE = ROOT / "packages" / "inbox"

pytestmark = pytest.mark.usefixtures("inbox_library")


def test_its_own_tests_pass_and_its_types_are_right() -> None:
    npm("run", "check")
    npm("test")


def test_it_is_as_small_as_it_says() -> None:
    npm("run", "size")


def test_what_is_packed_is_the_library_its_types_and_its_readme() -> None:
    [packed] = json.loads(npm("pack", "--dry-run", "--json", "--ignore-scripts"))
    names = {file["path"] for file in packed["files"]}
    assert {
        "package.json",
        "README.md",
        "CHANGELOG.md",
        "LICENSE",
        "dist/index.js",
        "dist/elements.js",
        "dist/worker.js",
    } <= names
    assert {"dist/types/index.d.ts", "dist/types/elements.d.ts"} <= names
    assert not [name for name in names if name.startswith(("src/", "test/", "node_modules/"))]
    assert (SOURCE / "LICENSE").read_bytes() == (ROOT / "LICENSE").read_bytes()


def test_a_bundler_keeps_the_definition_of_an_element_that_is_only_imported(
    inbox_library: Path, packed_inbox_library: Path
) -> None:
    (packed_inbox_library / "page.js").write_text('import "notifier-inbox/elements/toasts";')
    esbuild = inbox_library / "node_modules" / ".bin" / "esbuild"
    bundle = run([str(esbuild), "--bundle", "--format=esm", "page.js"], packed_inbox_library)
    assert "notifier-toasts" in bundle
    assert "customElements.define" in bundle


@pytest.mark.parametrize("folder", [".", "test/frameworks"])
def test_the_locks_name_no_registry(inbox_library: Path, folder: str) -> None:
    lock = json.loads((inbox_library / folder / "package-lock.json").read_text())
    assert not [name for name, one in lock["packages"].items() if "resolved" in one]
    assert all(one.get("dev") for name, one in lock["packages"].items() if name)
