"""From messages to outcomes: each message to the provider that takes it."""

import asyncio
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from notifier.failover import turned
from notifier.messages import Message
from notifier.outcomes import Held, Outcome, Reason, Refused, Retry
from notifier.providers import Route
from notifier.providers.base import Report, Sent, log_bug

__all__ = ["Dispatcher", "Gate", "Report", "Sent"]


@dataclass(frozen=True, slots=True)
class Gate:
    """Before a provider that may not be called freely: ``room`` messages may pass.

    What finds no room, and no other provider, is held ``until`` (unix seconds) for ``reason``.
    """

    room: int
    until: float
    reason: Reason


class Dispatcher:
    """All providers of one process, used from one event loop.

    ``routes`` are tried in order; see ``notifier.providers.routes``.
    """

    def __init__(self, routes: Sequence[Route]) -> None:
        self._routes = routes

    async def send(
        self, messages: Sequence[Message], report: Report, gates: Mapping[str, Gate] | None = None
    ) -> None:
        """Send all of them concurrently; ``report`` exactly one ``Sent`` for each, as it comes.

        ``gates``: by name, the providers that may not be called freely.
        """
        room = {name: gate.room for name, gate in (gates or {}).items()}
        groups: dict[str, tuple[Route, list[Message]]] = {}
        for message in messages:
            route = self._route(message, room)
            if route is None:
                report(_unsent(message, "", self._refusal(message, gates or {})))
            else:
                groups.setdefault(route.name, (route, []))[1].append(message)
        await asyncio.gather(*(_send(route, group, report) for route, group in groups.values()))

    async def close(self) -> None:
        """Close every connection. pyreqwest wants the loop to run 0.1 s longer."""
        await asyncio.gather(*(route.provider().close() for route in self._routes if route.built))

    def _route(self, message: Message, room: dict[str, int]) -> Route | None:
        """The first that takes the message and has room for it, which it takes up."""
        failed_at = message.failed_at
        for route in turned(self._routes, failed_at) if failed_at else self._routes:
            if not route.takes(message.channel, message.platform):
                continue
            left = room.get(route.name)
            if left is None:
                return route
            if left > 0:
                room[route.name] = left - 1
                return route
        return None

    def _refusal(self, message: Message, gates: Mapping[str, Gate]) -> Outcome:
        """What becomes of a message that no route has room for."""
        shut = [
            gates[route.name]
            for route in self._routes
            if route.takes(message.channel, message.platform)
        ]
        if not shut:
            return Refused(Reason.NO_PROVIDER)
        first = min(shut, key=lambda gate: gate.until)
        return Held(first.until, first.reason)


async def _send(route: Route, messages: Sequence[Message], report: Report) -> None:
    missing = {id(message): message for message in messages}

    def reported(sent: Sent) -> None:
        if missing.pop(id(sent.message), None) is not None:
            report(sent)

    try:
        await route.provider().send_chunk(messages, reported)
    except Exception as error:  # whoever waits for these outcomes must not wait for ever
        log_bug(f"provider {route.name}, a chunk of {len(messages)}", error)
    for message in list(missing.values()):
        report(_unsent(message, route.name, Retry(Reason.INTERNAL, detail="see the log")))


def _unsent(message: Message, provider: str, outcome: Outcome) -> Sent:
    return Sent(message, provider, outcome, time.time(), 0.0)
