"""``inbox_library``, a fixture: ``packages/inbox``, installed, tested and built beside the tree."""

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
