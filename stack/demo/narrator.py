"""The demo's output: a line for each step, with the time since the start."""

import time


class Narrator:
    """Prints plain lines, so that a terminal, a pipe and a log show the same."""

    def __init__(self) -> None:
        self._started = time.monotonic()

    def say(self, text: str) -> None:
        print(f"  {time.monotonic() - self._started:5.1f} s  {text}", flush=True)


def table(head: list[str], rows: list[list[str]]) -> str:
    """Format rows under a head: the first column aligned left, numbers right."""
    lines = [head, *rows]
    widths = [max(len(line[column]) for line in lines) for column in range(len(head))]
    return "\n".join(
        "  "
        + "   ".join(
            cell.rjust(width) if column else cell.ljust(width)
            for column, (cell, width) in enumerate(zip(line, widths, strict=True))
        ).rstrip()
        for line in lines
    )
