"""The one event loop of a worker process, on which every call to a provider runs."""

import asyncio
import logging
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar

from notifier.dispatch.dispatcher import Dispatcher, Gate, Sent
from notifier.domain.messages import Message
from notifier.domain.outcomes import Reason, Retry

log = logging.getLogger(__name__)
T = TypeVar("T")

#: Outcomes are reported after so many seconds even if some calls of the claim still run: what a
#: provider accepted must be recorded soon, however slow another call is.
HAND_OVER_SECONDS = 0.25


class ProviderEventLoop:
    """An event loop in its own thread, and the dispatcher that runs on it.

    ``build`` creates the dispatcher and is called on the loop: an HTTP client that was created
    before a fork or on another loop hangs. Worker threads call ``send``; outcomes are reported as
    they arrive.
    """

    def __init__(self, build: Callable[[], Dispatcher]) -> None:
        self._loop = _new_loop()
        self._thread = threading.Thread(
            target=self._loop.run_forever, name="event-loop", daemon=True
        )
        self._thread.start()
        self._dispatcher = self.call(build)

    def call(self, function: Callable[[], T]) -> T:
        """Call ``function`` on the loop and return its result; wait up to 30 seconds for it."""
        return asyncio.run_coroutine_threadsafe(_on_loop(function), self._loop).result(timeout=30)

    def send(
        self,
        messages: Sequence[Message],
        gates: Mapping[str, Gate],
        report: Callable[[list[Sent]], None],
    ) -> None:
        """Send all messages concurrently, and return at once.

        ``report`` is called on the loop with batches of outcomes until every message has one; it
        must not block. ``gates``: see ``notifier.dispatch.dispatcher``.
        """
        asyncio.run_coroutine_threadsafe(self._send(messages, gates, report), self._loop)

    async def _send(
        self,
        messages: Sequence[Message],
        gates: Mapping[str, Gate],
        report: Callable[[list[Sent]], None],
    ) -> None:
        """Send, and report in batches: each report wakes a thread that competes for the GIL."""
        waiting: list[Sent] = []
        missing = {message.id: message for message in messages}
        timer: asyncio.TimerHandle | None = None

        def hand_over() -> None:
            nonlocal timer
            if timer is not None:
                timer.cancel()
            if waiting:
                report(waiting.copy())
                waiting.clear()
            timer = self._loop.call_later(HAND_OVER_SECONDS, hand_over)

        def ended(sent: Sent) -> None:
            waiting.append(sent)
            missing.pop(sent.message.id, None)

        hand_over()
        try:
            await self._dispatcher.send(messages, ended, gates)
        except Exception:
            log.exception("the dispatcher failed; messages it did not report are tried again")
        waiting += [
            Sent(message, "", Retry(Reason.INTERNAL, detail="see the log"), time.time(), 0.0)
            for message in missing.values()
        ]
        hand_over()
        assert timer is not None
        timer.cancel()

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
