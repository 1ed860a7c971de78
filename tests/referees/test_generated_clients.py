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

from stack.supervision.process import ROOT
from tests.referees.conftest import HERE, run

Flow = Callable[[list[str], Path], str]
#: The page that has the generator's options.
PAGE = ROOT / "docs" / "api" / "generated-clients.md"
JAVA = (
    "--additional-properties=library=native,openApiNullable=false,containerDefaultToNull=true",
    "--schema-mappings=SubscribeOut=Object",
)
GO = (
    "--additional-properties=enumClassPrefix=true,useOneOfDiscriminatorLookup=true,"
    "disallowAdditionalPropertiesIfNotPresent=false",
)
#: What Go has compiled of its standard library.
CACHE = ROOT / ".notifier" / "go-cache"
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
    generate(document, made, "python")
    flow([sys.executable, str(HERE / "with_openapi_generator.py")], made)


@pytest.mark.referee
def test_openapi_generator_for_java(document: Path, javac: str, flow: Flow, tmp_path: Path) -> None:
    made, classes = tmp_path / "client", tmp_path / "classes"
    generate(document, made, "java", *JAVA)
    sources = [str(path) for path in (made / "src" / "main").rglob("*.java")]
    program = str(HERE / "WithOpenApiGenerator.java")
    flags = ["-proc:none", "-nowarn", "-encoding", "UTF-8", "-cp", javac, "-d", str(classes)]
    run(["javac", "-J-XX:TieredStopAtLevel=1", *flags, *sources, program], env=ENV, cwd=tmp_path)
    class_path = f"{classes}{os.pathsep}{javac}"
    flow(["java", "-ea", "-cp", class_path, "WithOpenApiGenerator"], made)


@pytest.mark.referee
def test_openapi_generator_for_go(document: Path, go: None, flow: Flow, tmp_path: Path) -> None:
    made = tmp_path / "src" / "generated" / "openapi"
    generate(document, made, "go", *GO)
    program = tmp_path / "program"
    # Without modules: the proxy for them may be out of reach, and the client needs none.
    env = ENV | {"GO111MODULE": "off", "GOPATH": str(tmp_path), "GOCACHE": str(CACHE)}
    run(["go", "build", "-o", str(program), str(HERE / "with_openapi_generator.go")], env=env)
    flow([str(program)], made)


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


def generate(document: Path, made: Path, language: str, *options: str) -> None:
    """Have OpenAPI Generator write a client into ``made``."""
    assert [option for option in options if option not in PAGE.read_text()] == []
    made.mkdir(parents=True)
    command = ["openapi-generator-cli", "generate", "-i", str(document), "-g", language]
    said = run([*command, *options, "-o", str(made)], env=ENV, cwd=made)
    assert " ERROR " not in said, said
