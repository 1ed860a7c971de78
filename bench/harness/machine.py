"""The machine and versions that figures were measured on."""

import os
import platform
import re
import subprocess
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psutil

from bench.harness.sink import PROGRAM as NGINX
from stack.backends.postgres import BINARIES
from stack.backends.redis import BINARY as REDIS
from stack.supervision.process import ROOT


def machine() -> dict[str, Any]:
    """Return CPU, cores, memory, versions, commit and time."""
    return {
        "cpu": _cpu(),
        "cores": os.cpu_count(),
        "memory_gb": round(psutil.virtual_memory().total / 2**30),
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
        "postgres": _version(BINARIES / "postgres", "--version"),
        "redis": _version(REDIS, "--version"),
        "rabbitmq": _version("dpkg-query", "--show", "--showformat=${Version}", "rabbitmq-server"),
        "nginx": _version(NGINX, "-v"),
        "commit": _commit(),
        "load_before": round(os.getloadavg()[0], 2),
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
    }


def _commit() -> str:
    """Return the commit, with a plus where files other than results have changed since."""
    commit = _git("rev-parse", "--short", "HEAD") or "none"
    return commit + ("+" if _git("diff", "HEAD", "--", ".", ":!bench/results") else "")


def _cpu() -> str:
    about = Path("/proc/cpuinfo")
    found = re.search(r"model name\s*: (.+)", about.read_text() if about.exists() else "")
    return found[1] if found else platform.machine()


def _version(*command: str | Path) -> str:
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        return "none"
    found = re.search(r"\d+(\.\d+)+", done.stdout + done.stderr)
    return found[0] if found else "unknown"


def _git(*arguments: str) -> str:
    """Return git's output; empty without git or a repository."""
    command = ["git", *arguments]
    try:
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        return ""
    return done.stdout.strip()
