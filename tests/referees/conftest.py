"""A running service, and the programs that judge it: Node's packages, Java and Go."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from importlib.resources import files
from pathlib import Path
from urllib.request import urlopen

import pytest

from stack import debian, servers, whole_service
from stack.debian import GO, JAVA, JAVA_ANNOTATIONS, JAVAC, NODE, NPM
from stack.state_directory import fresh
from stack.supervision.process import PATIENCE, ROOT
from stack.whole_service import Stage
from tests.support.programs import need

HERE = Path(__file__).parent
#: Directory in which openapi-typescript and the others are installed, by ``package-lock.json``.
PACKAGES = ROOT / ".notifier" / "referees"
#: Processes of the Procfile that the main flow needs.
PROCESSES = ("web", "fanout", "email", "push", "webhook", "housekeeping", "beat")
CREATE_PUBLISHER = """
import sys, django
from django.core.management import call_command
django.setup()
from apps.publishers.scopes import Scope
call_command("create_publisher", "referee", scopes=",".join(Scope))
"""


@pytest.fixture(scope="package")
def service() -> Iterator[Stage]:
    """A service that sends at normal priority, with the sandbox for providers.

    It is gone before another package's tests start theirs: they share the broker.
    """
    with fresh("referees") as state, servers.running(state) as found:
        with whole_service.running(state, found, *PROCESSES) as on:
            yield on


@pytest.fixture(scope="package")
def key(service: Stage) -> str:
    """A publisher's key that may do everything."""
    command = [sys.executable, "-c", CREATE_PUBLISHER]
    return run(command, env=service.env).strip()


@pytest.fixture(scope="package")
def document(service: Stage, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The OpenAPI document as the service answers it."""
    path = tmp_path_factory.mktemp("openapi") / "openapi.json"
    with urlopen(f"{service.api_url}/v1/openapi.json", timeout=PATIENCE) as answer:
        path.write_bytes(answer.read())
    return path


@pytest.fixture
def flow(
    service: Stage, key: str, request: pytest.FixtureRequest
) -> Callable[[list[str], Path], str]:
    """Run a client's main flow against the service, with what the client is made of on its path."""
    name = "".join(filter(str.isalnum, request.node.name))

    def play(command: list[str], generated: Path) -> str:
        env = {
            "PATH": os.environ["PATH"],
            "PYTHONPATH": str(generated),
            "NAME": name,
            "NOTIFIER_URL": service.api_url,
            "NOTIFIER_KEY": key,
        }
        return run(command, env=env)

    return play


@pytest.fixture(scope="session")
def node() -> Path:
    """Node's packages, installed as ``package-lock.json`` says; a skip where there is no Node."""
    debian.installed(NODE, NPM)
    need(NODE, NPM)
    PACKAGES.mkdir(parents=True, exist_ok=True)
    for name in ("package.json", "package-lock.json"):
        shutil.copy(HERE / name, PACKAGES / name)
    command = ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"]
    run(command, cwd=PACKAGES, env={**os.environ})
    return PACKAGES


@pytest.fixture(scope="session")
def java() -> None:
    """A Java runtime; a skip where there is none."""
    debian.installed(JAVA)
    need(JAVA)


@pytest.fixture(scope="session")
def javac(java: None) -> str:
    """The class path of a generated client: Jackson, as the generator has it, and annotations."""
    debian.installed(JAVAC, JAVA_ANNOTATIONS)
    need(JAVAC, JAVA_ANNOTATIONS)
    jar = files("openapi_generator_cli") / "openapi-generator.jar"
    return os.pathsep.join([str(jar), JAVA_ANNOTATIONS.file])


@pytest.fixture(scope="session")
def go() -> None:
    """Go; a skip where there is none."""
    debian.installed(GO)
    need(GO)


def run(command: list[str], *, env: dict[str, str], cwd: Path = ROOT, stdin: str = "") -> str:
    """Run a command; what it printed. Fails with that where its exit code is not 0."""
    done = subprocess.run(
        command,
        env=env,
        cwd=cwd,
        input=stdin,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    assert done.returncode == 0, f"{done.stdout[-5000:]}\n{done.stderr[-5000:]}"
    return done.stdout
