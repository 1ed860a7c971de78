"""Jobs that wait their turn in one process, done by a bounded number of coroutines."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar

J = TypeVar("J")


class _Batch(Generic[J]):
    """What one caller asked for, and how much of it is still to be done."""

    __slots__ = ("do", "ended", "left")

    def __init__(self, do: Callable[[J], Awaitable[None]], left: int) -> None:
        self.do = do
        self.left = left
        self.ended: asyncio.Future[None] = asyncio.get_running_loop().create_future()


class Lane(Generic[J]):
    """At most ``limit`` jobs at a time, first come, first served; used from one event loop.

    Each coroutine does one job after the other: a task for every job would cost more than all
    else around a provider's call. ``limit`` may be changed at any time.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._waiting: deque[tuple[_Batch[J], J]] = deque()
        self._workers: set[asyncio.Task[None]] = set()

    @property
    def limit(self) -> int:
        return self._limit

    @limit.setter
    def limit(self, limit: int) -> None:
        self._limit = limit
        self._hire()

    async def run(self, jobs: Sequence[J], do: Callable[[J], Awaitable[None]]) -> None:
        """Return once ``do``, which must not raise, was called with each job.

        Cancelled before that, it leaves out what has not begun.
        """
        if not jobs:
            return
        batch = _Batch(do, len(jobs))
        self._waiting.extend((batch, job) for job in jobs)
        self._hire()
        await batch.ended  # a cancel of ours cancels it

    def _hire(self) -> None:
        for _ in range(min(self._limit - len(self._workers), len(self._waiting))):
            worker = asyncio.create_task(self._work())
            self._workers.add(worker)
            worker.add_done_callback(self._ended)

    def _ended(self, worker: asyncio.Task[None]) -> None:
        self._workers.discard(worker)
        self._hire()  # it may have been cancelled with others' jobs waiting

    async def _work(self) -> None:
        while self._waiting and len(self._workers) <= self._limit:
            batch, job = self._waiting.popleft()
            if batch.ended.done():
                continue
            try:
                await batch.do(job)
            finally:
                batch.left -= 1
                if not batch.left and not batch.ended.done():
                    batch.ended.set_result(None)
