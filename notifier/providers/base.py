"""What every provider is: a name, and ``send_chunk``."""

import asyncio
import logging
import time
from collections.abc import Callable, Sequence

from notifier.messages import Message
from notifier.outcomes import Outcome, Reason, Retry, Unknown, clip

log = logging.getLogger(__name__)

#: Called once for each message as it is done: message, outcome, start (unix seconds), duration
#: (seconds).
Report = Callable[[Message, Outcome, float, float], object]


class Provider:
    """One account at one provider. Built once a process, inside the event loop that uses it.

    A subclass implements ``send`` (or, where one call can carry many messages, ``send_chunk``)
    and returns an ``Outcome``; it never raises for what a provider may answer, never retries on
    its own and never logs an address or content. ``timeout`` (seconds) is the deadline of one
    call, connection and answer together.
    """

    def __init__(self, name: str, *, timeout: float = 10.0, concurrency: int = 256) -> None:
        self.name = name
        self.timeout = timeout
        self._slots = asyncio.Semaphore(concurrency)

    async def send(self, message: Message) -> Outcome:
        """One message to the provider; what came of it."""
        raise NotImplementedError(f"{type(self).__name__} implements neither send nor send_chunk")

    async def send_chunk(self, messages: Sequence[Message], report: Report) -> None:
        """Send all of them concurrently; ``report`` each one as soon as it is done."""
        await asyncio.gather(*(self._guarded(message, report) for message in messages))

    async def close(self) -> None:
        """Close connections; the provider is not used afterwards."""

    async def _guarded(self, message: Message, report: Report) -> None:
        """One message never takes the rest of its chunk down."""
        async with self._slots:
            started_at, clock = time.time(), time.perf_counter()
            outcome: Outcome
            try:
                # The wire layer has deadlines of its own; this is the last line, a little later.
                outcome = await asyncio.wait_for(self.send(message), self.timeout + 5)
            except TimeoutError:
                outcome = Unknown(Reason.TIMEOUT, "no outcome within the deadline")
            except Exception as error:  # a bug in a provider must cost one attempt, not a chunk
                log.exception("provider %s failed on delivery %s", self.name, message.id)
                outcome = Retry(Reason.INTERNAL, detail=clip(type(error).__name__))
            report(message, outcome, started_at, time.perf_counter() - clock)
