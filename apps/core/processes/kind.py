"""The kind of this process, as log lines and metrics name it."""

import sys
from collections.abc import Sequence
from pathlib import Path


def kind_of(command: Sequence[str]) -> str:
    """Return the name of a command's line in the Procfile, or of another program.

    A Celery worker's is the part of its name (``-n``) before the host and before the number that
    tells it from others of its line: ``push_high`` of ``push_high.2@%h``.
    """
    path = Path(command[0])
    program = path.parent.name if path.stem == "__main__" else path.stem
    if program == "gunicorn":
        return "web"
    if program == "celery":
        if "-n" in command[:-1]:
            return command[command.index("-n") + 1].partition("@")[0].partition(".")[0]
        return next((word for word in command if word in ("beat", "flower")), program)
    return program


KIND = kind_of(sys.argv)
