"""Running a program that refuses to be root, from a root's shell (containers, fresh servers)."""

import os
import pwd
import shutil
import stat
import sys
from collections.abc import Sequence
from pathlib import Path

from stack.errors import StackError

#: Exists everywhere, so that no user has to be added to the machine.
USER = "nobody"


def prefix(*paths: Path) -> Sequence[str]:
    """What to put before a command that uses ``paths``; nothing unless this is root."""
    if os.geteuid() != 0:
        return ()
    if sys.platform != "linux" or not (setpriv := shutil.which("setpriv")):
        raise StackError(
            "PostgreSQL does not run as root. Run this as an ordinary user, "
            "or set DATABASE_URL to a database of your own."
        )
    user = pwd.getpwnam(USER)
    command = [setpriv, f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--clear-groups"]
    if not all(_open_to_all(path) for path in paths):
        # A home directory is closed to others. Rather than open it, let the program pass.
        command += ["--inh-caps=+dac_override", "--ambient-caps=+dac_override"]
    return command


def give(directory: Path) -> None:
    """Make the program's user the owner of a directory; nothing unless this is root."""
    if os.geteuid() == 0:
        user = pwd.getpwnam(USER)
        os.chown(directory, user.pw_uid, user.pw_gid)


def _open_to_all(path: Path) -> bool:
    return all(parent.stat().st_mode & stat.S_IXOTH for parent in path.resolve().parents)
