"""``inbox_library``, a fixture: ``packages/inbox``, installed, tested and built beside the tree."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from stack.debian import NODE, NPM
from stack.supervision.process import PATIENCE, ROOT
from tests.support.programs import need

SOURCE = ROOT / "packages" / "inbox"
#: A copy: nothing is installed or built in the tree that others edit.
COPY = ROOT / ".notifier" / "inbox"
DIST = COPY / "dist"
_LEFT_OUT = shutil.ignore_patterns("node_modules", "dist", "build", "*.tgz")


def npm(*words: str) -> str:
    """Run npm in the copy; what it printed. Fails with that where its exit code is not 0."""
    done = subprocess.run(
        ["npm", *words],
        cwd=COPY,
        env={**os.environ},
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    assert done.returncode == 0, f"{done.stdout[-5000:]}\n{done.stderr[-5000:]}"
    return done.stdout


@pytest.fixture(scope="session")
def inbox_library() -> Path:
    """The package, built; a skip where there is no Node."""
    need(NODE, NPM)
    for name in ("src", "test", "scripts"):
        shutil.rmtree(COPY / name, ignore_errors=True)
    shutil.copytree(SOURCE, COPY, dirs_exist_ok=True, ignore=_LEFT_OUT)
    npm("ci", "--ignore-scripts", "--no-audit", "--no-fund")
    npm("run", "build")
    return COPY
