"""The in-app inbox as a provider: our own table, behind a callable."""

import asyncio
import time
from collections.abc import Callable, Sequence

from notifier.domain.messages import Message
from notifier.domain.outcomes import Accepted, Outcome, Reason, Retry, Unknown, clip
from notifier.providers.base import Provider, Report, Sent, log_bug
from notifier.resilience.isolation import isolate
from notifier.transport.http import NotWritten


class Inbox(Provider):
    """The in-app inbox.

    ``store``: writes all messages at once, or raises and writes none; ``NotWritten`` means that no
    message is to blame. It blocks, so it runs in a thread, and it may be called again with some or
    all of the same messages.
    """

    def __init__(
        self, name: str, *, store: Callable[[Sequence[Message]], None], timeout: float = 10.0
    ) -> None:
        super().__init__(name, timeout=timeout)
        self._store = store

    async def send_chunk(self, messages: Sequence[Message], report: Report) -> None:
        started_at, started = time.time(), time.perf_counter()
        outcome: Outcome = Accepted(delivered=True)
        failed: dict[str, Outcome] = {}
        try:
            async with asyncio.timeout(self.timeout):
                odd = await asyncio.to_thread(isolate, messages, self._store, (NotWritten,))
        except TimeoutError:  # the thread goes on, and may still succeed
            outcome = Unknown(Reason.TIMEOUT, "the inbox's store took too long")
        except NotWritten as error:
            outcome = Retry(Reason.PROVIDER_ERROR, detail=clip(str(error)))
        else:
            for message, fault in odd:
                about = {"delivery_id": message.id, "notification_id": message.notification_id}
                log_bug(f"provider {self.name}, delivery {message.id}", fault, about)
                failed[message.id] = Retry(Reason.INTERNAL, detail=type(fault).__name__)
        duration = time.perf_counter() - started
        for message in messages:
            own = failed.get(message.id, outcome)
            report(Sent(message, self.name, own, started_at, duration))
