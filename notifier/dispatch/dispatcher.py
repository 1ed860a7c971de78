"""The dispatcher: sends each message through the first provider that takes it, on an event loop."""

import asyncio
import logging
import random
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from notifier.dispatch.failover import rotated
from notifier.domain.messages import Message
from notifier.domain.outcomes import Held, Outcome, Reason, Refused, Retry
from notifier.providers import Route
from notifier.providers.base import Report, Sent, log_bug

__all__ = ["Dispatcher", "Gate", "ProviderEventLoop", "Report", "Sent"]

log = logging.getLogger(__name__)
T = TypeVar("T")

#: Outcomes are reported after so many seconds even if some calls of the claim still run: what a
#: provider accepted must be recorded soon, however slow another call is.
HAND_OVER_SECONDS = 0.25


@dataclass(frozen=True, slots=True)
class Gate:
    """A limit in front of a provider: ``capacity`` messages may pass.

    A message beyond it that no other provider takes is held ``until`` (unix seconds) for
    ``reason``. With a ``pace`` (seconds) no other provider is tried, and each message is held that
    much longer than the one before it. ``calls``: most calls in flight at once. ``probes``: those
    that pass are to show whether the provider answers again.
    """

    capacity: int
    until: float
    reason: Reason
    pace: float | None = None
    calls: int | None = None
    probes: bool = False


class ProviderEventLoop:
    """An event loop in its own thread, and the dispatcher that runs on it; one for each process.

    ``build`` creates the dispatcher and is called on the loop: an HTTP client that was created
    before a fork or on another loop hangs. Worker threads call ``send``; outcomes are reported as
    they arrive.
    """

    def __init__(self, build: Callable[[], "Dispatcher"]) -> None:
        self._loop = _new_loop()
        self._thread = threading.Thread(
            target=self._loop.run_forever, name="event-loop", daemon=True
        )
        self._thread.start()
        self._dispatcher = self.call(build)

    def call(self, function: Callable[[], T]) -> T:
        """Call ``function`` on the loop and return its result; wait up to 30 seconds for it."""
        return asyncio.run_coroutine_threadsafe(_on_loop(function), self._loop).result(timeout=30)

    def soon(self, function: Callable[[], object]) -> None:
        """Have ``function`` called on the loop once it comes round, and return at once."""
        self._loop.call_soon_threadsafe(function)

    def send(
        self,
        messages: Sequence[Message],
        gates: Mapping[str, Gate],
        report: Callable[[list[Sent]], None],
    ) -> None:
        """Send all messages concurrently, and return at once.

        ``report`` is called on the loop with batches of outcomes until every message has one; it
        must not block. ``gates``: see ``Gate``.
        """
        asyncio.run_coroutine_threadsafe(self._send(messages, gates, report), self._loop)

    async def _send(
        self,
        messages: Sequence[Message],
        gates: Mapping[str, Gate],
        report: Callable[[list[Sent]], None],
    ) -> None:
        """Send, and report what has no outcome at the end, too."""
        reporter = _BatchReporter(self._loop, report)
        missing = {message.id: message for message in messages}

        def ended(sent: Sent) -> None:
            reporter.add(sent)
            missing.pop(sent.message.id, None)

        try:
            await self._dispatcher.send(messages, ended, gates)
        except Exception:
            log.exception("the dispatcher failed; messages it did not report are tried again")
        for message in missing.values():
            failed = Retry(Reason.INTERNAL, detail="see the log")
            reporter.add(Sent(message, "", failed, time.time(), 0.0))
        reporter.close()

    def close(self) -> None:
        """Close the providers' connections and stop the loop."""
        asyncio.run_coroutine_threadsafe(self._dispatcher.close(), self._loop).result(timeout=5)
        # pyreqwest aborts the process if its runtime outlives the loop's last callbacks.
        time.sleep(0.1)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(timeout=5)


class Dispatcher:
    """All providers of one process, used from one event loop.

    ``routes``: tried in order; see ``notifier.providers.routes``.
    """

    def __init__(self, routes: Sequence[Route]) -> None:
        self._routes = routes

    async def send(
        self, messages: Sequence[Message], report: Report, gates: Mapping[str, Gate] | None = None
    ) -> None:
        """Send all messages concurrently, and ``report`` exactly one ``Sent`` for each.

        ``gates``: by name, the limits of providers that may not be called freely.
        """
        gates = gates or {}
        if any(gate.pace is not None for gate in gates.values()):
            # Oldest first, or a message that was held before might never be sent.
            messages = sorted(messages, key=_age)
        elif any(gate.probes for gate in gates.values()):
            # Else those that waited longest would probe again and again, and a few of them that no
            # provider answers would keep a breaker open for all.
            messages = random.sample(messages, len(messages))
        capacity = {name: gate.capacity for name, gate in gates.items()}
        groups: dict[str, tuple[Route, list[Message]]] = {}
        held: Counter[str] = Counter()
        for message in messages:
            route = choose(self._routes, message, gates, capacity)
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
        """Close every connection. pyreqwest needs the loop to run 0.1 s longer."""
        await asyncio.gather(*(route.provider().close() for route in self._routes if route.built))


def choose(
    routes: Sequence[Route], message: Message, gates: Mapping[str, Gate], capacity: dict[str, int]
) -> Route | str | None:
    """Choose the first route that takes the message and has capacity left, and use up one of it.

    Returns the name of the provider whose gate the message waits at where there is none, and
    ``None`` where no provider takes it. ``capacity``: what is left at each gate; changed.
    """
    shut: list[str] = []
    for route in rotated(routes, message.failed_at) if message.failed_at else routes:
        if not route.takes(message.channel, message.platform):
            continue
        left = capacity.get(route.name)
        if left is None:
            return route
        if left > 0:
            capacity[route.name] = left - 1
            return route
        if gates[route.name].pace is not None:
            return route.name
        shut.append(route.name)
    return min(shut, key=lambda name: gates[name].until) if shut else None


def wanted(
    routes: Sequence[Route], messages: Sequence[Message], gates: Mapping[str, Gate]
) -> Counter[str]:
    """Count by provider the messages that each would be given."""
    capacity = {name: gate.capacity for name, gate in gates.items()}
    chosen = (choose(routes, message, gates, capacity) for message in messages)
    return Counter(route.name for route in chosen if isinstance(route, Route))


def _age(message: Message) -> tuple[int, str]:
    """Return a key that sorts by the number at the end of the public id."""
    return len(message.id), message.id


async def _send(route: Route, messages: Sequence[Message], report: Report) -> None:
    missing = {id(message): message for message in messages}

    def reported(sent: Sent) -> None:
        if missing.pop(id(sent.message), None) is not None:
            report(sent)

    try:
        await route.provider().send_chunk(messages, reported)
    except Exception as error:  # the caller waits for an outcome of every message
        log_bug(f"provider {route.name}, a chunk of {len(messages)}", error)
    for message in list(missing.values()):
        report(_unsent(message, route.name, Retry(Reason.INTERNAL, detail="see the log")))


def _unsent(message: Message, provider: str, outcome: Outcome) -> Sent:
    return Sent(message, provider, outcome, time.time(), 0.0)


class _BatchReporter:
    """Reports outcomes in batches: each report wakes a thread that competes for the GIL.

    ``report`` leads to the claim. So nothing here may refer to itself once it is closed, as a
    function would that gives itself to the timer: the claim would stay in memory until the garbage
    collector comes, a dozen claims later.
    """

    __slots__ = ("_loop", "_report", "_timer", "_waiting")

    def __init__(
        self, loop: asyncio.AbstractEventLoop, report: Callable[[list[Sent]], None]
    ) -> None:
        self._loop = loop
        self._report = report
        self._waiting: list[Sent] = []
        self._timer = loop.call_later(HAND_OVER_SECONDS, self._hand_over)

    def add(self, sent: Sent) -> None:
        """Report an outcome within ``HAND_OVER_SECONDS``."""
        self._waiting.append(sent)

    def close(self) -> None:
        """Report what is left."""
        self._timer.cancel()  # it drops its reference
        self._flush()

    def _hand_over(self) -> None:
        self._flush()
        self._timer = self._loop.call_later(HAND_OVER_SECONDS, self._hand_over)

    def _flush(self) -> None:
        if self._waiting:
            self._report(self._waiting)
            self._waiting = []


async def _on_loop(function: Callable[[], T]) -> T:
    return function()


def _new_loop() -> asyncio.AbstractEventLoop:
    import uvloop

    return uvloop.new_event_loop()
