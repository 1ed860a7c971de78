"""``python3 -I stack/install.py requirements.txt…``: a virtual environment with these packages.

Runs on the system's Python, before anything is installed: standard library only.
"""

import contextlib
import fcntl
import hashlib
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
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
            "Python cannot make virtual environments here. On Debian: apt install python3-venv"
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
    command = [PYTHON, "-m", "pip", "install", "--disable-pip-version-check", "--no-input"]
    command += [part for path in requirements for part in ("-r", path)]
    collected, unpacking, lines = 0, False, []
    with _guarded(command) as pip:
        assert pip.stdout is not None
        for line in pip.stdout:
            lines.append(line)
            collected += line.startswith("Collecting")
            if line.startswith("Installing collected"):
                unpacking = True
                print(f"  unpacking them ({time.monotonic() - started:.0f} s)", flush=True)
            elif not unpacking and time.monotonic() - last > 5:
                last = time.monotonic()
                print(f"  {collected} of {count} collected ({last - started:.0f} s)", flush=True)
    if pip.returncode:
        sys.exit("".join(lines[-25:]) + "\nThe packages could not be installed: see above.")
    print(f"  done ({time.monotonic() - started:.0f} s)", flush=True)


@contextlib.contextmanager
def _guarded(command: list[object]) -> "Iterator[subprocess.Popen[str]]":
    """A command that ends with us, with what it prints in ``stdout``."""
    ours, its = socket.socketpair()
    process = subprocess.Popen(
        [sys.executable, "-I", "-S", str(GUARD), "TERM:5", "--", *map(str, command)],
        stdin=its,
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


def _runs(command: list[object]) -> bool:
    done = subprocess.run([str(part) for part in command], capture_output=True, check=False)
    return done.returncode == 0


if __name__ == "__main__":
    sys.exit(main())
