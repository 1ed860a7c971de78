"""From messages to outcomes: each message to the provider that takes it."""

import asyncio
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from notifier.dispatch.failover import rotated
from notifier.domain.messages import Message
from notifier.domain.outcomes import Held, Outcome, Reason, Refused, Retry
from notifier.providers import Route
from notifier.providers.base import Report, Sent, log_bug

__all__ = ["Dispatcher", "Gate", "Report", "Sent"]


@dataclass(frozen=True, slots=True)
class Gate:
    """Before a provider that may not be called freely: ``room`` messages may pass.

    What finds no room, and no other provider, is held ``until`` (unix seconds) for ``reason``. With
    a ``pace`` no other provider is asked, and each message is held so many seconds longer than
    the one before it. ``calls``: how many may be under way at once.
    """

    capacity: int
    until: float
    reason: Reason
    pace: float | None = None
    calls: int | None = None


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
        gates = gates or {}
        if any(gate.pace is not None for gate in gates.values()):
            # Of what has come back for its turn the oldest is sent, or it might never be.
            messages = sorted(messages, key=_age)
        room = {name: gate.capacity for name, gate in gates.items()}
        groups: dict[str, tuple[Route, list[Message]]] = {}
        held: Counter[str] = Counter()
        for message in messages:
            route = choose(self._routes, message, gates, room)
            if isinstance(route, Route):
                groups.setdefault(route.name, (route, []))[1].append(message)
            elif route is None:
                report(_unsent(message, "", Refused(Reason.NO_PROVIDER)))
            else:
                gate = gates[route]
                later = held[route] * (gate.pace or 0.0)
                held[route] += 1
                report(_unsent(message, "", Held(gate.until + later, gate.reason)))
        for name, (route, _) in groups.items():
            if name in gates:
                route.provider().allow(gates[name].calls)
        await asyncio.gather(*(_send(route, group, report) for route, group in groups.values()))

    async def close(self) -> None:
        """Close every connection. pyreqwest wants the loop to run 0.1 s longer."""
        await asyncio.gather(*(route.provider().close() for route in self._routes if route.built))


def choose(
    routes: Sequence[Route], message: Message, gates: Mapping[str, Gate], room: dict[str, int]
) -> Route | str | None:
    """The first that takes the message and has room for it, which it takes up.

    Without one, the name of the provider whose gate it waits at; ``None`` where nobody takes it.
    ``room``: what is left of the gates' own.
    """
    shut: list[str] = []
    for route in rotated(routes, message.failed_at) if message.failed_at else routes:
        if not route.takes(message.channel, message.platform):
            continue
        left = room.get(route.name)
        if left is None:
            return route
        if left > 0:
            room[route.name] = left - 1
            return route
        if gates[route.name].pace is not None:
            return route.name
        shut.append(route.name)
    return min(shut, key=lambda name: gates[name].until) if shut else None


def wanted(
    routes: Sequence[Route], messages: Sequence[Message], gates: Mapping[str, Gate]
) -> Counter[str]:
    """How many of the messages each provider would be given, by name."""
    room = {name: gate.capacity for name, gate in gates.items()}
    chosen = (choose(routes, message, gates, room) for message in messages)
    return Counter(route.name for route in chosen if isinstance(route, Route))


def _age(message: Message) -> tuple[int, str]:
    """Sorts by the number at the end of the public id."""
    return len(message.id), message.id


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
