"""``python -m stack.supervision.runner start``: run the Procfile until a signal, or a process ends.

Lines of all processes go to standard output, each after the time and the name of its process. When
one of them ends, or at SIGTERM and Ctrl-C, all are stopped, and the exit code is the first one's.
However this process ends, none outlives it by more than ``STOPPING`` seconds.
"""

import argparse
import contextlib
import os
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path

from stack.errors import StackError
from stack.supervision.parent import heed_signals
from stack.supervision.process import ROOT, Process, stop_all
from stack.supervision.processes import Procfile

#: Seconds between two checks whether a process has ended.
EVERY = 0.2
#: Seconds to wait for what ended processes wrote last.
LAST_LINES = 5.0

_printing = threading.Lock()


def main() -> int:
    """Run until the end, and return the exit code."""
    options = _parser().parse_intermixed_args()
    heed_signals()
    try:
        return run(Procfile(os.environ, ROOT, path=options.f), options.c, options.names)
    except StackError as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130


def run(procfile: Procfile, formation: str, names: Sequence[str] = ()) -> int:
    """Run these commands, or all of them, until one ends; return its exit code.

    ``formation``: see ``Procfile.formation``, with what it raises.
    """
    titles = {
        f"{name}.{number}": name
        for name, count in procfile.formation(formation, names).items()
        for number in range(1, count + 1)
    }
    if not titles:
        raise StackError(f"{formation or 'the Procfile'} starts no process")
    width = max(map(len, titles))
    running: list[Process] = []
    printers: list[threading.Thread] = []
    try:
        for title, name in titles.items():
            lines, pipe = os.pipe()
            printer = threading.Thread(target=_print, args=[title.ljust(width), lines], daemon=True)
            printer.start()
            printers.append(printer)
            try:
                running.append(procfile.piped(name, title, pipe))
                running[-1].start()
            finally:
                os.close(pipe)
        while not (ended := [process for process in running if not process.alive]):
            time.sleep(EVERY)
        _say("runner".ljust(width), f"{ended[0].name} stopped (rc={ended[0].wait()})\n")
        return ended[0].wait()
    finally:
        stop_all(running)
        for printer in printers:
            printer.join(LAST_LINES)


def _print(name: str, pipe: int) -> None:
    """Print what is written to a pipe until its last writer has ended."""
    with os.fdopen(pipe, encoding="utf-8", errors="replace") as lines:
        for line in lines:
            _say(name, line)


def _say(name: str, line: str) -> None:
    """Print a line, or drop it where it cannot be written: a full disk, a reader that has gone.

    Not through ``sys.stdout``, which keeps what it could not write and fails again at exit.
    """
    said = f"{time.strftime('%H:%M:%S')} {name} | {line.rstrip()}\n".encode()
    with _printing, contextlib.suppress(OSError):
        while said:
            said = said[os.write(sys.stdout.fileno(), said) :]


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("python -m stack.supervision.runner", description=__doc__)
    parser.add_argument("start", choices=["start"])
    parser.add_argument("names", nargs="*", help="commands of the Procfile; all if none is named")
    parser.add_argument(
        "-c",
        metavar="all=1,push=2",
        default="",
        help="numbers of processes; all: of each command that is not named, by default 1",
    )
    parser.add_argument("-f", metavar="FILE", type=Path, default=ROOT / "Procfile")
    return parser


if __name__ == "__main__":
    sys.exit(main())
