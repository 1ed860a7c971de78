"""A limit of the CPU of all processes of a host: a Linux control group, version 1 or 2."""

import contextlib
import time
from pathlib import Path

from scale.errors import Unavailable

ROOT = Path("/sys/fs/cgroup")
#: The period of the limit in microseconds, Linux's default.
PERIOD = 100_000


class Limit:
    """A control group, at first without a limit."""

    def __init__(self, name: str) -> None:
        root, self._second = _controller()
        self.directory = root / name
        self.directory.mkdir()

    def set(self, cores: float | None) -> None:
        """Limit its processes to so many cores together; ``None``: no limit."""
        quota = None if cores is None else round(cores * PERIOD)
        if self._second:
            (self.directory / "cpu.max").write_text(f"{quota or 'max'} {PERIOD}")
        else:
            (self.directory / "cpu.cfs_period_us").write_text(str(PERIOD))
            (self.directory / "cpu.cfs_quota_us").write_text(str(quota or -1))


def check() -> None:
    """Raise ``Unavailable`` where control groups cannot limit CPU."""
    _controller()


def remove(prefix: str) -> None:
    """Remove the control groups with this prefix, once their processes have ended."""
    with contextlib.suppress(Unavailable):
        for directory in _controller()[0].glob(f"{prefix}*"):
            deadline = time.monotonic() + 5
            while directory.exists() and time.monotonic() < deadline:
                with contextlib.suppress(OSError):
                    directory.rmdir()
                    break
                time.sleep(0.05)


def names() -> list[str]:
    """Return the names of all control groups at the level of ours."""
    with contextlib.suppress(Unavailable):
        return [path.name for path in _controller()[0].iterdir() if path.is_dir()]
    return []


def _controller() -> tuple[Path, bool]:
    """Return the directory of control groups that limit CPU, and whether they are of version 2."""
    listed = ROOT / "cgroup.controllers"
    if listed.exists() and "cpu" in listed.read_text().split():
        with contextlib.suppress(OSError):
            (ROOT / "cgroup.subtree_control").write_text("+cpu")
            return ROOT, True
    if (ROOT / "cpu" / "cpu.cfs_quota_us").exists():
        return ROOT / "cpu", False
    raise Unavailable("no control group limits CPU: cgroup 2's cpu.max or cgroup 1's cfs quota")
