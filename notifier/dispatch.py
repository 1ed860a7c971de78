"""Which provider gets which message, and when each one is done."""

import asyncio
import logging
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import Any

from notifier.messages import Message
from notifier.outcomes import Outcome, Reason, Refused, Retry, clip
from notifier.providers.base import Provider

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Sent:
    """A message's outcome. ``started_at`` is in unix seconds, ``duration`` in seconds."""

    message: Message
    provider: str
    outcome: Outcome
    started_at: float
    duration: float


@dataclass(frozen=True, slots=True)
class Route:
    """A provider and what it carries: a channel, on these platforms or (empty) on any."""

    provider: Provider
    channel: str
    platforms: frozenset[str] = frozenset()

    def carries(self, message: Message) -> bool:
        """Whether this message may go this way."""
        return message.channel == self.channel and (
            not self.platforms or message.platform in self.platforms
        )


def routes(
    entries: Mapping[str, Mapping[str, Any]], own: Mapping[str, Mapping[str, Any]]
) -> list[Route]:
    """Build the providers that settings name, in their order.

    An entry is ``{"class": dotted path, "channel": …, "platforms": […], "options": {…}}``;
    ``own`` adds options that are objects, by provider name. A provider's module, and the SDK
    behind it, is imported here and not before. Call it on the loop that will send.
    """
    found = []
    for name, entry in entries.items():
        module, _, cls = entry["class"].rpartition(".")
        build = getattr(import_module(module), cls)
        provider = build(name, **entry.get("options", {}), **own.get(name, {}))
        platforms = frozenset(entry.get("platforms", ()))
        found.append(Route(provider, entry["channel"], platforms))
    return found


class Dispatcher:
    """Sends a chunk's messages, each through the first route that carries it."""

    def __init__(self, routes: Sequence[Route]) -> None:
        self._routes = list(routes)

    async def send(self, messages: Sequence[Message], report: Callable[[Sent], object]) -> None:
        """Send all of them concurrently; ``report`` is called once for each, as it is done."""
        groups: dict[int, list[Message]] = {}
        for message in messages:
            for position, route in enumerate(self._routes):
                if route.carries(message):
                    groups.setdefault(position, []).append(message)
                    break
            else:
                what = f"{message.channel} {message.platform}".strip()
                nobody = Refused(Reason.NO_PROVIDER, detail=f"no provider is set up for {what}")
                report(Sent(message, "", nobody, time.time(), 0.0))
        await asyncio.gather(
            *(
                self._send_through(self._routes[position].provider, group, report)
                for position, group in groups.items()
            )
        )

    async def close(self) -> None:
        """Close every provider."""
        for route in self._routes:
            await route.provider.close()

    async def _send_through(
        self, provider: Provider, messages: list[Message], report: Callable[[Sent], object]
    ) -> None:
        missing = {message.id: message for message in messages}

        def done(message: Message, outcome: Outcome, started_at: float, duration: float) -> None:
            if missing.pop(message.id, None) is not None:
                report(Sent(message, provider.name, outcome, started_at, duration))

        started_at = time.time()
        detail = "the provider gave no outcome"
        try:
            await provider.send_chunk(messages, done)
        except Exception as error:  # a provider's bug costs attempts, never deliveries
            log.exception("provider %s failed on a chunk", provider.name)
            detail = clip(type(error).__name__)
        for message in list(missing.values()):
            outcome = Retry(Reason.INTERNAL, detail=detail)
            done(message, outcome, started_at, time.time() - started_at)
