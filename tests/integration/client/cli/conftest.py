"""The command ``notifier`` of a publisher, at a live server."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from apps.delivery.sending import process
from apps.publishers import services
from apps.publishers.scopes import Scope
from notifier_client import NotifierClient
from notifier_client.cli.main import main
from stack.install import CLIENT
from tests.support.publishers.lookups import fresh_lookups

__all__ = ["fresh_lookups"]  # a fixture

#: Runs the command; what it printed, and what it said on stderr. ``code``: its exit code.
Notifier = Callable[..., tuple[str, str]]


@pytest.fixture
def login(live_server: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[str, str]]:
    """URL and key of a publisher with all scopes, in the environment."""
    publisher = services.create_publisher("shop")
    _, key = services.create_key(publisher.pk, set(Scope))
    monkeypatch.setenv("NOTIFIER_URL", live_server.url)
    monkeypatch.setenv("NOTIFIER_KEY", key)
    yield live_server.url, key
    process.close()


@pytest.fixture
def notifier(login: tuple[str, str], capsys: pytest.CaptureFixture[str]) -> Notifier:
    def run(*arguments: str, code: int = 0) -> tuple[str, str]:
        capsys.readouterr()
        try:
            ended = main(arguments)
        except SystemExit as exit:
            ended = int(exit.code or 0)
        said = capsys.readouterr()
        assert ended == code, said
        return said.out, said.err

    return run


@pytest.fixture
def client(login: tuple[str, str]) -> Iterator[NotifierClient]:
    with NotifierClient(*login) as client:
        yield client


@pytest.fixture
def start(login: tuple[str, str]) -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """Start the command as a process of its own."""
    started: list[subprocess.Popen[str]] = []

    def run(*arguments: str) -> subprocess.Popen[str]:
        command = [sys.executable, "-m", "notifier_client.cli", *arguments]
        env = {**os.environ, "PYTHONPATH": str(Path(CLIENT, "src"))}
        pipes: Any = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        started.append(subprocess.Popen(command, env=env, text=True, **pipes))
        return started[-1]

    yield run
    for process_ in started:
        process_.kill()
        process_.communicate()
