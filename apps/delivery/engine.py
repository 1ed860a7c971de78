"""The one event loop of a worker process, on which every provider call of its chunks runs."""

import asyncio
import logging
import queue
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TypeVar

from notifier.dispatch import Dispatcher, Gate, Sent
from notifier.messages import Message

log = logging.getLogger(__name__)
T = TypeVar("T")

#: Outcomes are handed over when so many seconds have passed, even if some calls still run: what
#: the provider took must be on record soon, whatever one slow call does.
HAND_OVER_SECONDS = 2.0
#: How often it is told how many of a chunk are left.
STEPS = 10


class Engine:
    """An event loop in a thread of its own, with a dispatcher that lives on it.

    ``build`` makes the dispatcher, on the loop: a client built before a fork or on another loop
    hangs. Worker threads hand messages over with ``send`` and get outcomes as they come.
    """

    def __init__(self, build: Callable[[], Dispatcher]) -> None:
        self._loop = _new_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="engine", daemon=True)
        self._thread.start()
        self._dispatcher = self.call(build)

    def call(self, function: Callable[[], T]) -> T:
        """What ``function`` returns, called on the loop. Waits up to 30 seconds."""
        return asyncio.run_coroutine_threadsafe(_on_loop(function), self._loop).result(timeout=30)

    def send(
        self,
        messages: Sequence[Message],
        gates: Mapping[str, Gate],
        left: Callable[[int], None],
    ) -> Iterator[list[Sent]]:
        """Send all of them concurrently; yields outcomes in batches until every one is in.

        ``gates``: see ``notifier.dispatch``. ``left`` is told on the loop, some times, how many
        have no outcome yet. Closed before that (the chunk is another's now), it
        stops what has not been sent.
        """
        batches: queue.SimpleQueue[list[Sent] | None] = queue.SimpleQueue()
        sending = asyncio.run_coroutine_threadsafe(
            self._collect(messages, gates, left, batches), self._loop
        )
        try:
            while (batch := batches.get()) is not None:
                yield batch
        finally:
            sending.cancel()

    async def _collect(
        self,
        messages: Sequence[Message],
        gates: Mapping[str, Gate],
        left: Callable[[int], None],
        batches: "queue.SimpleQueue[list[Sent] | None]",
    ) -> None:
        """Put outcomes into ``batches``, then ``None``.

        In batches, since each one wakes a thread that competes with this loop for the interpreter.
        """
        waiting: list[Sent] = []
        missing = len(messages)
        step = max(1, missing // STEPS)
        timer: asyncio.TimerHandle | None = None

        def hand_over() -> None:
            nonlocal timer
            if waiting:
                batches.put(waiting.copy())
                waiting.clear()
            timer = self._loop.call_later(HAND_OVER_SECONDS, hand_over)

        def report(sent: Sent) -> None:
            nonlocal missing
            waiting.append(sent)
            missing -= 1
            if missing % step == 0:
                left(missing)

        hand_over()
        try:
            await self._dispatcher.send(messages, report, gates)
        except Exception:
            log.exception("the dispatcher failed; what it did not report is tried again")
        finally:
            hand_over()
            if timer is not None:
                timer.cancel()
            batches.put(None)

    def close(self) -> None:
        """Close the providers' connections and stop the loop."""
        asyncio.run_coroutine_threadsafe(self._dispatcher.close(), self._loop).result(timeout=5)
        # pyreqwest aborts the process if its runtime outlives the loop's last callbacks.
        time.sleep(0.1)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(timeout=5)


async def _on_loop(function: Callable[[], T]) -> T:
    return function()


def _new_loop() -> asyncio.AbstractEventLoop:
    import uvloop

    return uvloop.new_event_loop()
