"""``packages/python/unasync.py``: generate the synchronous client from the asynchronous one.

They differ only in ``async`` and ``await``, so one is written and the other generated. A test
compares the copy with its source.

The packages of this purpose need more than these patterns: ``unasync`` leaves ``await`` in the
examples of docstrings and takes a replacement for each class, since its ``AsyncCalls`` becomes
``SyncCalls``, and ``unasyncd`` takes one for each class and each import. Nor would a copy made at
build time do, since this package is imported and type-checked as it lies.
"""

import re
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
PACKAGE = HERE / "src" / "notifier_client"
SOURCE, COPY = PACKAGE / "_async", PACKAGE / "_sync"
#: Modules that are not generated: each client has its own HTTP library.
WRITTEN = frozenset({"transport.py", "connections.py"})
NOTE = "# Generated from _async by `python packages/python/unasync.py`: edit that.\n"
_WORDS = [
    (r"\basync (def|for|with) ", r"\1 "),
    (r"\bawait ", ""),
    (r"\banext\b", "next"),
    (r"\bAsync(?=[A-Z])", ""),
    (r"\b_async\b", "_sync"),
    (r"__a(enter|exit|next)__", r"__\1__"),
    (r"\basyncio\.sleep\b", "time.sleep"),
    (r"^import asyncio\n", ""),
]


def synchronous(source: str) -> str:
    """Return the synchronous source for an asynchronous one."""
    for pattern, word in _WORDS:
        source = re.sub(pattern, word, source, flags=re.MULTILINE)
    return NOTE + source


def write(directory: Path) -> None:
    """Write the synchronous client to ``directory``, formatted by ruff."""
    for path in sorted(SOURCE.glob("*.py")):
        if path.name not in WRITTEN:
            (directory / path.name).write_text(synchronous(path.read_text()))
    for step in (["check", "--quiet", "--select=I", "--fix"], ["format", "--quiet"]):
        config = f"--config={HERE.parent.parent / 'pyproject.toml'}"
        subprocess.run([sys.executable, "-m", "ruff", *step, config, str(directory)], check=True)


if __name__ == "__main__":
    write(COPY)
