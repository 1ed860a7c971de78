"""``inbox_library``, a fixture: ``packages/inbox``, installed and built beside the tree.

``packed_inbox_library`` is a folder in which the packed file was installed, as somebody does it.
"""

import json
from pathlib import Path

import pytest

from stack.supervision.process import ROOT
from tests.support.publishers.npm import copied, run

COPY = ROOT / ".notifier" / "inbox"
DIST = COPY / "dist"


def npm(*words: str) -> str:
    """Run npm in the copy; what it printed. Fails with that where its exit code is not 0."""
    return run(["npm", *words], COPY)


@pytest.fixture(scope="session")
def inbox_library() -> Path:
    """The package, built; a skip where there is no Node."""
    copied("inbox")
    npm("run", "build")
    return COPY


@pytest.fixture
def packed_inbox_library(inbox_library: Path, tmp_path: Path) -> Path:
    """A folder of a page that has nothing but the packed package."""
    folder = tmp_path / "my-shop"
    folder.mkdir(exist_ok=True)
    install_packed(folder)
    return folder


def install_packed(folder: Path) -> None:
    """Install the packed file in a folder that has nothing."""
    (folder / "package.json").write_text('{"name": "my-shop", "private": true}')
    run(["npm", "install", "--offline", str(packed())], folder)


def packed() -> Path:
    """Pack the built copy, and return the file."""
    [described] = json.loads(npm("pack", "--json", "--ignore-scripts"))
    return COPY / str(described["filename"])
