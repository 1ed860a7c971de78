"""Running of programs that refuse to be root from a root shell (containers, new servers)."""

import os
import pwd
import shutil
import stat
import sys
from collections.abc import Sequence
from pathlib import Path

from stack.errors import StackError

#: A user that exists everywhere, so that none has to be created.
USER = "nobody"


def prefix(*paths: Path) -> Sequence[str]:
    """Return the prefix of a command that uses ``paths``; nothing unless this is root."""
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
        # A home directory is closed to other users. Rather than open it, the program gets a
        # capability to read it.
        command += ["--inh-caps=+dac_override", "--ambient-caps=+dac_override"]
    return command


def give(directory: Path) -> None:
    """Give a directory to the program's user; do nothing unless this is root."""
    if os.geteuid() == 0:
        user = pwd.getpwnam(USER)
        os.chown(directory, user.pw_uid, user.pw_gid)


def _open_to_all(path: Path) -> bool:
    return all(parent.stat().st_mode & stat.S_IXOTH for parent in path.resolve().parents)
