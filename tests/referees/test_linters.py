"""Spectral, with its rules for OpenAPI."""

import os
from pathlib import Path

import pytest

from tests.referees.conftest import HERE, run

pytestmark = pytest.mark.referee


def test_spectral_has_nothing_to_say(document: Path, node: Path) -> None:
    command = [str(node / "node_modules" / ".bin" / "spectral"), "lint", str(document)]
    rules = ["--ruleset", str(HERE / "spectral.yaml"), "--fail-severity", "hint"]
    said = run([*command, *rules], env={**os.environ}, cwd=node)
    assert "No results with a severity of 'hint' or higher found!" in said
