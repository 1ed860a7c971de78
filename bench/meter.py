"""What processes cost: CPU seconds and peak memory, children included."""

import threading
from collections.abc import Mapping
from dataclasses import dataclass

import psutil

SAMPLE_SECONDS = 0.2


@dataclass(frozen=True, slots=True)
class Cost:
    """``cpu`` in seconds; ``peak_rss`` in bytes, the most that was seen in any sample."""

    cpu: float
    peak_rss: int


class Meter:
    """``with Meter(pids) as meter:`` measures those processes until the end of the block.

    ``pids``: name -> pid of a process, which is counted with its children. Memory is sampled every
    ``SAMPLE_SECONDS``; memory that children share is counted for each.
    """

    def __init__(self, pids: Mapping[str, int]) -> None:
        self._trees = {name: _tree(pid) for name, pid in pids.items()}
        self._peak = dict.fromkeys(pids, 0)
        self._before: dict[str, float] = {}
        self._stop = threading.Event()
        self._sampler = threading.Thread(target=self._sample, daemon=True)
        self.costs: dict[str, Cost] = {}

    def __enter__(self) -> "Meter":
        self._before = {name: _cpu(tree) for name, tree in self._trees.items()}
        self._sampler.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._sampler.join()
        self.costs = {
            name: Cost(_cpu(tree) - self._before[name], self._peak[name])
            for name, tree in self._trees.items()
        }

    def _sample(self) -> None:
        while True:
            for name, tree in self._trees.items():
                self._peak[name] = max(self._peak[name], sum(_rss(process) for process in tree))
            if self._stop.wait(SAMPLE_SECONDS):
                return


def _tree(pid: int) -> list[psutil.Process]:
    process = psutil.Process(pid)
    return [process, *process.children(recursive=True)]


def _cpu(tree: list[psutil.Process]) -> float:
    """User and system time. Postgres's backends that ended are in their parent's children time."""
    total = 0.0
    for process in tree:
        try:
            times = process.cpu_times()
        except psutil.NoSuchProcess:
            continue
        total += times.user + times.system
    return total


def _rss(process: psutil.Process) -> int:
    try:
        return int(process.memory_info().rss)
    except psutil.NoSuchProcess:
        return 0
