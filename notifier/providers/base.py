"""What every provider is: a name, and ``send_chunk``."""

import asyncio
import logging
from collections.abc import Sequence

from notifier.messages import Message
from notifier.outcomes import Outcome, Reason, Retry, Unknown, clip

log = logging.getLogger(__name__)


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
        raise NotImplementedError(f"{type(self).__name__} implements neither send nor send_chunk")

    async def send_chunk(self, messages: Sequence[Message]) -> list[Outcome]:
        """Send all of them concurrently; one outcome each, in the same order."""
        return await asyncio.gather(*(self._guarded(message) for message in messages))

    async def close(self) -> None:
        """Close connections; the provider is not used afterwards."""

    async def _guarded(self, message: Message) -> Outcome:
        """One message never takes the rest of its chunk down."""
        async with self._slots:
            try:
                # The wire layer has deadlines of its own; this is the last line, a little later.
                return await asyncio.wait_for(self.send(message), self.timeout + 5)
            except TimeoutError:
                return Unknown(Reason.TIMEOUT, "no outcome within the deadline")
            except Exception as error:  # a bug in a provider must cost one attempt, not a chunk
                log.exception("provider %s failed on delivery %s", self.name, message.id)
                return Retry(Reason.INTERNAL, detail=clip(type(error).__name__))
