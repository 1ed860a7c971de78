"""Findings: what a check found, how bad it is, and what to do."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple


class Level(StrEnum):
    """The severity of a finding. An error keeps something from working, or will."""

    OK = "ok"
    WARNING = "warning"
    ERROR = "error"


class Finding(NamedTuple):
    """One thing that was looked at. ``about``: the check; ``remedy``: what to do, where needed."""

    level: Level
    about: str
    message: str
    remedy: str = ""


@dataclass(frozen=True, slots=True)
class Options:
    """Options of a run: the checks to make.

    ``processes``: how many of each process run, on all hosts. ``call``: whether providers may be
    called.
    """

    processes: Mapping[str, int]
    call: bool


Check = Callable[[Options], Iterator[Finding]]


class Reporter:
    """Makes the findings of one check."""

    def __init__(self, about: str) -> None:
        self._about = about

    def ok(self, message: str) -> Finding:
        return Finding(Level.OK, self._about, message)

    def warning(self, message: str, remedy: str) -> Finding:
        return Finding(Level.WARNING, self._about, message, remedy)

    def error(self, message: str, remedy: str) -> Finding:
        return Finding(Level.ERROR, self._about, message, remedy)
