"""``packages/inbox`` from a copy of its sources: its own tests, its size, and what is packed."""

import json
from pathlib import Path

import pytest

from tests.support.publishers.inbox_library import npm

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
        "dist/index.js",
        "dist/elements.js",
        "dist/worker.js",
    } <= names
    assert {"dist/types/index.d.ts", "dist/types/elements.d.ts"} <= names
    assert not [name for name in names if name.startswith(("src/", "test/", "node_modules/"))]


def test_the_lock_names_no_registry(inbox_library: Path) -> None:
    lock = json.loads((inbox_library / "package-lock.json").read_text())
    assert not [name for name, one in lock["packages"].items() if "resolved" in one]
    assert all(one.get("dev") for name, one in lock["packages"].items() if name)
