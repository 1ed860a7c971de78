"""Debian's packages that only tests and benchmarks need: installed where that is ours to do."""

import contextlib
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

POLICY = Path("/usr/sbin/policy-rc.d")
SYSTEM_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


def installed(package: str, program: Path) -> bool:
    """Whether ``program`` is there, installing its ``package`` where we may: as root, with apt."""
    if not program.exists() and os.geteuid() == 0 and shutil.which("apt-get"):
        print(f"Installing Debian's {package} (a minute or two)", flush=True)
        _install(package)
    return program.exists()


def _install(package: str) -> None:
    command = ["apt-get", "-q", "-y", "--no-install-recommends"]
    env = {**os.environ, "DEBIAN_FRONTEND": "noninteractive", "PATH": SYSTEM_PATH}
    with _no_services():
        for step in (["update"], ["install", package]):
            done = subprocess.run(
                command + step, env=env, stdin=subprocess.DEVNULL, capture_output=True, text=True
            )
    if done.returncode:
        print(f"apt-get could not install {package}:\n{done.stderr.strip()}", flush=True)


@contextlib.contextmanager
def _no_services() -> Iterator[None]:
    """Keep packages from starting their services, which would be nobody's to stop."""
    if POLICY.exists():  # the machine has a rule of its own
        yield
        return
    # 101 forbids (invoke-rc.d(8)). If we are killed, what we leave forbids nothing.
    POLICY.write_text(f"#!/bin/sh\nkill -0 {os.getpid()} 2>/dev/null && exit 101\nexit 0\n")
    POLICY.chmod(0o755)
    try:
        yield
    finally:
        POLICY.unlink()
