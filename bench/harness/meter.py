"""What processes cost: CPU seconds and peak memory, children included."""

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
    """``cpu`` in seconds; ``peak_rss`` in bytes, the most that was seen in any sample."""

    cpu: float
    peak_rss: int


class Meter:
    """``with Meter(pids) as meter:`` measures those processes until the end of the block.

    ``pids``: name -> pid of a process, which is counted with its children, those that end
    meanwhile too. Memory is sampled every ``SAMPLE_SECONDS``; what children share with each other
    is counted once.
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
        """At the start, now and then, and at the end."""
        stopped = False
        while True:
            for name, tree in self._trees().items():
                self._peak[name] = max(self._peak[name], _memory(tree))
            if stopped:
                return
            stopped = self._stop.wait(SAMPLE_SECONDS)

    def _trees(self) -> dict[str, list[psutil.Process]]:
        """Each with all below it. All processes are looked at once: a look for each name took 3 %
        of two cores from what was measured."""
        below = defaultdict(list)
        for process in psutil.process_iter():
            with suppress(psutil.NoSuchProcess):
                below[process.ppid()].append(process)
        return {name: _tree(root, below) for name, root in self._roots.items()}


def peak_rss(pid: int) -> int:
    """The most memory, in bytes, that a process has had, children left out: the kernel's count.

    Samples miss the peak of work that takes half a second.
    """
    status = dict(
        line.split(":", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines()
    )
    return int(status["VmHWM"].split()[0]) * 1024


def _tree(root: psutil.Process, below: Mapping[int, list[psutil.Process]]) -> list[psutil.Process]:
    found = [root]
    for process in found:  # which grows meanwhile
        found += below.get(process.pid, [])
    return found


def _cpu(tree: Iterable[psutil.Process]) -> float:
    """Seconds of user and system time; those of children that ended are in their parents'."""
    total = 0.0
    for process in tree:
        try:
            total += sum(process.cpu_times()[:4])  # user, system, and those of the children
        except psutil.NoSuchProcess:
            continue
    return total


def _memory(tree: Iterable[psutil.Process]) -> int:
    """Bytes that are each process's own, and the most that one of them shares."""
    own = shared = 0
    for process in tree:
        try:
            memory = process.memory_info()
        except psutil.NoSuchProcess:
            continue
        own += memory.rss - memory.shared
        shared = max(shared, memory.shared)
    return own + shared
