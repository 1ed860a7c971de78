"""A pool of coroutines that run queued jobs, fairly between flows."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar

from notifier.resilience.fair_queue import FairQueue, Flow

J = TypeVar("J")
ONE_FLOW: Flow = (None, "")


class _Batch(Generic[J]):
    """The jobs of one ``run``, and how many are left."""

    __slots__ = ("do", "ended", "left")

    def __init__(self, do: Callable[[J], Awaitable[None]], left: int) -> None:
        self.do = do
        self.left = left
        self.ended: asyncio.Future[None] = asyncio.get_running_loop().create_future()


#: A job that was taken from the queue, with its flow.
_Taken = tuple[Flow, tuple[_Batch[J], J]]


class WorkerPool(Generic[J]):
    """Runs at most ``limit`` jobs at a time, flows in turn; used from one event loop.

    Each coroutine runs one job after the other: a task for every job would cost more than
    everything else around a provider's call. ``limit`` may be changed at any time. ``shares``: see
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
        """Call ``do``, which must not raise, with each job; return when all have ended.

        ``flow``: returns the flow of a job. If this is cancelled, jobs that have not begun are
        dropped.
        """
        if not jobs:
            return
        batch = _Batch(do, len(jobs))
        for job in jobs:
            self._waiting.put(flow(job), (batch, job))
        self._hire()
        await batch.ended  # cancelled together with this coroutine

    def _hire(self) -> None:
        while (taken := self._take(len(self._workers))) is not None:
            worker = asyncio.create_task(self._work(taken))
            self._workers.add(worker)
            worker.add_done_callback(self._ended)

    def _take(self, others: int) -> "_Taken[J] | None":
        """Take the next job, while ``others`` are running."""
        while (free := self._limit - others) > 0 and (found := self._waiting.take(free)):
            flow, (batch, _) = found
            if not batch.ended.done():
                return found
            self._waiting.done(flow)
        return None

    def _ended(self, worker: asyncio.Task[None]) -> None:
        self._workers.discard(worker)
        self._hire()  # it may have been cancelled while other callers' jobs wait

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
                self._hire()  # the job that ended may have freed more than one share
