"""The settings that lead a service to a sandbox."""

import subprocess

from sandbox.settings import settings
from tests.support.sandbox_fixture import RunningSandbox


def test_a_shell_reads_the_settings_the_sandbox_wrote(sandbox: RunningSandbox) -> None:
    command = f"set -a; . {sandbox.directory}/settings.env; env -0"
    shell = ["sh", "-c", command]
    printed = subprocess.run(shell, capture_output=True, text=True, check=True, env={}).stdout
    read = dict(line.split("=", 1) for line in printed.split("\0") if line)
    assert settings(sandbox.config).items() <= read.items()
