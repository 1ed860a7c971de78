"""The in-app inbox: our own table, behind a callable."""

import asyncio
import time
from collections.abc import Callable, Sequence

from notifier.messages import Message
from notifier.outcomes import Accepted, Outcome, Reason, Retry, Unknown
from notifier.providers.base import Provider, Report, Sent, log_bug


class Inbox(Provider):
    """``store`` writes all messages in one go, or raises and writes none. It blocks, so it runs in
    a thread, and may be called again with the same messages."""

    def __init__(
        self, name: str, *, store: Callable[[Sequence[Message]], None], timeout: float = 10.0
    ) -> None:
        super().__init__(name, timeout=timeout)
        self._store = store

    async def send_chunk(self, messages: Sequence[Message], report: Report) -> None:
        started_at, started = time.time(), time.perf_counter()
        outcome: Outcome = Accepted(delivered=True)
        try:
            async with asyncio.timeout(self.timeout):
                await asyncio.to_thread(self._store, messages)
        except TimeoutError:  # the thread goes on, and may yet succeed
            outcome = Unknown(Reason.TIMEOUT, "the inbox's store took too long")
        except Exception as error:
            log_bug(f"provider {self.name}, a chunk of {len(messages)}", error)
            outcome = Retry(Reason.PROVIDER_ERROR, detail=type(error).__name__)
        duration = time.perf_counter() - started
        for message in messages:
            report(Sent(message, self.name, outcome, started_at, duration))
