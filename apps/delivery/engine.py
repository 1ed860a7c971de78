"""The one event loop of a worker process, on which every provider call of its chunks runs."""

import asyncio
import logging
import queue
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

from notifier.dispatch import Dispatcher, Sent
from notifier.messages import Message

log = logging.getLogger(__name__)
T = TypeVar("T")

#: Outcomes are handed over when so many seconds have passed, even if some calls still run: what
#: the provider took must be on record soon, whatever one slow call does.
HAND_OVER_SECONDS = 2.0


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

    def send(self, messages: Sequence[Message]) -> Iterator[list[Sent]]:
        """Send all of them concurrently; yields outcomes in batches until every one is in."""
        outcomes: queue.SimpleQueue[Sent] = queue.SimpleQueue()
        asyncio.run_coroutine_threadsafe(
            self._dispatcher.send(messages, outcomes.put), self._loop
        ).add_done_callback(_log_failure)
        missing = len(messages)
        batch: list[Sent] = []
        hand_over_at = time.monotonic() + HAND_OVER_SECONDS
        while missing:
            try:
                batch.append(outcomes.get(timeout=max(0.0, hand_over_at - time.monotonic())))
                missing -= 1
            except queue.Empty:
                if batch:
                    yield batch
                batch = []
                hand_over_at = time.monotonic() + HAND_OVER_SECONDS
        if batch:
            yield batch

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


def _log_failure(future: object) -> None:
    error = future.exception()  # type: ignore[attr-defined]
    if error is not None:
        log.error("the dispatcher failed", exc_info=error)
