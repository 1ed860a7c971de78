"""npm in copies of ``packages/…``: nothing is installed or built in the tree that others edit."""

import os
import shutil
import subprocess
from pathlib import Path

from stack.debian import NODE, NPM
from stack.supervision.process import PATIENCE, ROOT
from tests.support.programs import need

_LEFT_OUT = shutil.ignore_patterns("node_modules", "dist", "build", "*.tgz")


def run(command: list[str], cwd: Path, **env: str) -> str:
    """Run a command; what it printed. Fails with that where its exit code is not 0."""
    done = subprocess.run(
        command,
        cwd=cwd,
        env={**os.environ, **env},
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    assert done.returncode == 0, f"{done.stdout[-5000:]}\n{done.stderr[-5000:]}"
    return done.stdout


def copied(name: str) -> Path:
    """Copy ``packages/NAME``, and install what its lock names; a skip where there is no Node."""
    need(NODE, NPM)
    copy = ROOT / ".notifier" / name
    for folder in ("src", "test", "scripts"):
        shutil.rmtree(copy / folder, ignore_errors=True)
    shutil.copytree(ROOT / "packages" / name, copy, dirs_exist_ok=True, ignore=_LEFT_OUT)
    run(["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"], copy)
    return copy
