"""A running provider sandbox for tests: ``pytest_plugins = ["tests.support.sandbox_fixture"]``.

``sandbox.config`` is the parsed ``sandbox.json``:

    pid, ca_file, control_url (plain http), https_url (the same routes over TLS, h2 and http/1.1)
    fcm       base_url, token_uri, project_id, service_account_file
    apns      base_url, key_file, key_id, team_id, topic, client_cert_file (certificate and key)
    twilio    base_url, account_sid, auth_token, from_number
    sendgrid  base_url, api_key, from_email
    smtp      host, port, username, password, from_email
    webhook   base_url (append /{name})

``sandbox.client`` is a ``SandboxClient``: counts, messages, behave, heal, reset.
"""

import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from pyreqwest.client import SyncClient, SyncClientBuilder

from sandbox.client import SandboxClient
from stack.supervision.process import PATIENCE

ROOT = Path(__file__).resolve().parents[2]


@cache
def _client(ca_file: str, http2: bool, certificate: str) -> SyncClient:
    """Make a client once for all tests: making one takes longer than its requests."""
    builder = SyncClientBuilder().no_proxy().timeout(timedelta(seconds=PATIENCE))
    builder = builder.add_root_certificate_pem(Path(ca_file).read_bytes())
    if certificate:
        builder = builder.identity_pem(Path(certificate).read_bytes())
    builder = builder.http2_prior_knowledge() if http2 else builder.http1_only()
    return builder.build()


@dataclass(frozen=True)
class RunningSandbox:
    directory: Path
    config: dict[str, Any]
    client: SandboxClient
    process: "subprocess.Popen[str]"

    def http(self, *, http2: bool = True, certificate: str = "") -> SyncClient:
        """A real client that trusts the sandbox's CA; ``certificate`` is a PEM file with key."""
        return _client(self.config["ca_file"], http2, certificate)

    @property
    def log(self) -> str:
        """The output of the process to stderr so far."""
        return self.directory.with_suffix(".log").read_text()

    def stop(self) -> None:
        self.process.terminate()
        try:
            self.process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self.process.kill()
            raise
        assert "Traceback" not in self.log, self.log


def start_sandbox(directory: Path) -> RunningSandbox:
    """Start one on free ports and return once it is ready. The caller stops it."""
    log = directory.with_suffix(".log")
    log.parent.mkdir(parents=True, exist_ok=True)
    process = subprocess.Popen(
        [sys.executable, "-m", "sandbox", "--dir", str(directory)]
        + ["--port", "0", "--https-port", "0", "--apns-port", "0", "--smtp-port", "0"],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=log.open("w"),
        text=True,
    )
    assert process.stdout is not None
    if "sandbox ready on" not in process.stdout.readline():
        process.kill()
        raise RuntimeError(f"the sandbox did not start: {log.read_text()}")
    config = json.loads((directory / "sandbox.json").read_text())
    return RunningSandbox(directory, config, SandboxClient(config["control_url"]), process)


@pytest.fixture(scope="session")
def sandbox_process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningSandbox]:
    running = start_sandbox(tmp_path_factory.mktemp("sandbox"))
    yield running
    running.stop()


@pytest.fixture
def sandbox(sandbox_process: RunningSandbox) -> RunningSandbox:
    """The one sandbox of this test session, emptied and well-behaved."""
    sandbox_process.client.reset()
    return sandbox_process
