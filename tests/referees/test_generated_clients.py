"""Clients generated from the OpenAPI document, with default flags, run the main flow.

Register a person, subscribe them, publish, wait, and read the deliveries. One has another name than
by default, which is that of our own client.
"""

import os
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.referees.conftest import HERE, run

Flow = Callable[[list[str], Path], str]
BIN = Path(sys.executable).parent
ENV = {**os.environ, "PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}"}


def test_openapi_python_client(document: Path, flow: Flow, tmp_path: Path) -> None:
    made, config = tmp_path / "client", tmp_path / "config.yml"
    config.write_text("package_name_override: generated_client\n")  # ours is notifier_client
    command = ["openapi-python-client", "generate", "--path", str(document)]
    command += ["--config", str(config), "--output-path", str(made)]
    said = run(command, env=ENV, cwd=tmp_path)
    assert "Warning" not in said and "Error" not in said, said
    flow([sys.executable, str(HERE / "with_openapi_python_client.py")], made)


@pytest.mark.referee
def test_openapi_generator(document: Path, java: None, flow: Flow, tmp_path: Path) -> None:
    made = tmp_path / "client"
    command = ["openapi-generator-cli", "generate", "-i", str(document), "-g", "python"]
    said = run([*command, "-o", str(made)], env=ENV, cwd=tmp_path)
    assert " ERROR " not in said, said
    flow([sys.executable, str(HERE / "with_openapi_generator.py")], made)


@pytest.mark.referee
def test_openapi_typescript(document: Path, node: Path, flow: Flow) -> None:
    source, programs = node / "flow", node / "node_modules" / ".bin"
    source.mkdir(exist_ok=True)
    made = source / "schema.d.mts"
    run([str(programs / "openapi-typescript"), str(document), "-o", str(made)], env=ENV)
    shutil.copy(HERE / "with_openapi_typescript.mts", source / "flow.mts")
    flags = ["--strict", "--target", "es2022", "--module", "nodenext", "--types", "node"]
    run([str(programs / "tsc"), *flags, str(source / "flow.mts")], env=ENV, cwd=node)
    flow(["node", str(source / "flow.mjs")], node)
