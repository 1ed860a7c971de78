"""A meter of processes: CPU seconds and peak memory, children included."""

import threading
from collections import defaultdict
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import psutil

SAMPLE_SECONDS = 0.5


@dataclass(frozen=True, slots=True)
class Cost:
    """CPU in seconds, and ``peak_rss`` in bytes, the largest of all samples."""

    cpu: float
    peak_rss: int


class Meter:
    """A meter: ``with Meter(pids) as meter:`` measures processes until the end of the block.

    ``pids``: name -> pid of a process, which is counted with its children, including those that end
    meanwhile. Memory is sampled every ``SAMPLE_SECONDS``; memory that children share is counted
    once.
    """

    def __init__(self, pids: Mapping[str, int]) -> None:
        self._roots = {name: psutil.Process(pid) for name, pid in pids.items()}
        self._peak = dict.fromkeys(pids, 0)
        self._before: dict[str, float] = {}
        self._stop = threading.Event()
        self._sampler = threading.Thread(target=self._sample, daemon=True)
        self.costs: dict[str, Cost] = {}

    def __enter__(self) -> "Meter":
        self._before = self._cpu()
        self._sampler.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._sampler.join()
        self.costs = {
            name: Cost(cpu - self._before[name], self._peak[name])
            for name, cpu in self._cpu().items()
        }

    def _cpu(self) -> dict[str, float]:
        return {name: _cpu(tree) for name, tree in self._trees().items()}

    def _sample(self) -> None:
        """Take a sample: at the start, periodically, and at the end."""
        stopped = False
        while True:
            for name, tree in self._trees().items():
                self._peak[name] = max(self._peak[name], _memory(tree))
            if stopped:
                return
            stopped = self._stop.wait(SAMPLE_SECONDS)

    def _trees(self) -> dict[str, list[psutil.Process]]:
        """Return each process with its descendants, by name.

        All processes are listed once: a listing for each name took 3 % of two cores.
        """
        below = defaultdict(list)
        for process in psutil.process_iter():
            with suppress(psutil.NoSuchProcess):
                below[process.ppid()].append(process)
        return {name: _tree(root, below) for name, root in self._roots.items()}


def peak_rss(pid: int) -> int:
    """Return the kernel's peak memory of a process in bytes, without its children.

    Samples miss the peak of work that takes half a second.
    """
    status = dict(
        line.split(":", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines()
    )
    return int(status["VmHWM"].split()[0]) * 1024


def _tree(root: psutil.Process, below: Mapping[int, list[psutil.Process]]) -> list[psutil.Process]:
    found = [root]
    for process in found:  # the list grows meanwhile
        found += below.get(process.pid, [])
    return found


def _cpu(tree: Iterable[psutil.Process]) -> float:
    """Return seconds of user and system time, those of ended children included."""
    total = 0.0
    for process in tree:
        try:
            total += sum(process.cpu_times()[:4])  # user, system, and those of the children
        except psutil.NoSuchProcess:
            continue
    return total


def _memory(tree: Iterable[psutil.Process]) -> int:
    """Return the private bytes of all processes, and the most that one of them shares."""
    own = shared = 0
    for process in tree:
        try:
            memory = process.memory_info()
        except psutil.NoSuchProcess:
            continue
        own += memory.rss - memory.shared
        shared = max(shared, memory.shared)
    return own + shared
