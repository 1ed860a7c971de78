"""The code of the version before this one, from the repository's history.

It runs with this version's packages: those that it needs are older or the same.
"""

import subprocess
import tarfile
from pathlib import Path

from stack.errors import StackError
from stack.supervision.process import ROOT

#: The commit whose processes run on the tables of this version. Until a release follows 1.0.0,
#: which has to be stopped for an upgrade, it is one of the main branch; docs/upgrading.md names it.
COMMIT = "1f6901a6a9377e92295e103c54b047473352b820"


def known() -> bool:
    """Return whether the history is here: a shallow clone or an archive has none."""
    command = ["git", "-C", str(ROOT), "cat-file", "-e", f"{COMMIT}^{{commit}}"]
    return subprocess.run(command, check=False, capture_output=True).returncode == 0


def unpack(directory: Path) -> Path:
    """Write the code into ``directory``, which is made; return it.

    Raises ``StackError`` where the history is not here.
    """
    if not known():
        raise StackError(f"the history has no {COMMIT[:12]}: run `git fetch --unshallow`")
    directory.mkdir(parents=True)
    command = ["git", "-C", str(ROOT), "archive", COMMIT]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as archive:
        assert archive.stdout
        with tarfile.open(fileobj=archive.stdout, mode="r|") as files:
            files.extractall(directory, filter="data")
    return directory
