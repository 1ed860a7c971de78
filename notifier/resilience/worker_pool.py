"""Jobs that wait their turn in one process, done by a bounded number of coroutines."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar

from notifier.resilience.fair_queue import FairQueue, Flow

J = TypeVar("J")
ONE_FLOW: Flow = (None, "")


class _Batch(Generic[J]):
    """What one caller asked for, and how much of it is still to be done."""

    __slots__ = ("do", "ended", "left")

    def __init__(self, do: Callable[[J], Awaitable[None]], left: int) -> None:
        self.do = do
        self.left = left
        self.ended: asyncio.Future[None] = asyncio.get_running_loop().create_future()


#: A job whose turn it is.
_Taken = tuple[Flow, tuple[_Batch[J], J]]


class WorkerPool(Generic[J]):
    """At most ``limit`` jobs at a time, flows in turns; used from one event loop.

    Each coroutine does one job after the other: a task for every job would cost more than all
    else around a provider's call. ``limit`` may be changed at any time. ``shares``: see
    ``notifier.resilience.fair_queue``.
    """

    def __init__(self, limit: int, *, shares: bool = False) -> None:
        self._limit = limit
        self._waiting: FairQueue[tuple[_Batch[J], J]] = FairQueue(shares=shares)
        self._workers: set[asyncio.Task[None]] = set()

    @property
    def limit(self) -> int:
        return self._limit

    @limit.setter
    def limit(self, limit: int) -> None:
        self._limit = limit
        self._hire()

    async def run(
        self,
        jobs: Sequence[J],
        do: Callable[[J], Awaitable[None]],
        flow: Callable[[J], Flow] = lambda job: ONE_FLOW,
    ) -> None:
        """Return once ``do``, which must not raise, was called with each job.

        ``flow`` names whose turn a job takes. Cancelled before the end, it leaves out what has
        not begun.
        """
        if not jobs:
            return
        batch = _Batch(do, len(jobs))
        for job in jobs:
            self._waiting.put(flow(job), (batch, job))
        self._hire()
        await batch.ended  # a cancel of ours cancels it

    def _hire(self) -> None:
        while (taken := self._take(len(self._workers))) is not None:
            worker = asyncio.create_task(self._work(taken))
            self._workers.add(worker)
            worker.add_done_callback(self._ended)

    def _take(self, others: int) -> "_Taken[J] | None":
        """The next job, while so many others are under way."""
        while (free := self._limit - others) > 0 and (found := self._waiting.take(free)):
            flow, (batch, _) = found
            if not batch.ended.done():
                return found
            self._waiting.done(flow)
        return None

    def _ended(self, worker: asyncio.Task[None]) -> None:
        self._workers.discard(worker)
        self._hire()  # it may have been cancelled with others' jobs waiting

    async def _work(self, taken: "_Taken[J] | None") -> None:
        while taken is not None:
            flow, (batch, job) = taken
            try:
                await batch.do(job)
            finally:
                self._waiting.done(flow)
                batch.left -= 1
                if not batch.left and not batch.ended.done():
                    batch.ended.set_result(None)
            taken = self._take(len(self._workers) - 1)
            if self._waiting.shares:
                self._hire()  # what ended may leave room in more than one share
