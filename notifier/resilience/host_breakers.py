"""Circuit breakers of webhooks' hosts.

Each publisher has its own breaker per host: one that posts to a path that always fails must not
hold back another's messages to the same host. A process counts in memory; where a breaker opens or
closes, processes exchange that through a ``Store``, once a second. So no call waits for the store,
and a process that does not know yet makes a few calls more. A process with an open breaker keeps
exchanging without any calls, so that it knows that the host is back before messages come.

Only flows with failures are kept, and at most ``MOST`` of them.
"""

import asyncio
import logging
import random
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Protocol

from notifier.domain.outcomes import Held, Outcome, Retry, Unknown
from notifier.resilience.breaker import FAILURES, NOT_CALLED, Rules, State, Status, Tally
from notifier.resilience.fair_queue import Flow

log = logging.getLogger(__name__)

#: A breaker opens after 10 failed calls in a row, or when half of 20 or more failed within a
#: minute. A single call probes the host, after 15 s at first and 10 min at most.
RULES = Rules(
    failures=10,
    share=0.5,
    calls=20,
    window=60.0,
    cooldown=15.0,
    longest_cooldown=600.0,
    probes=1,
    patience=30.0,
)
#: Statuses with which a gateway says that the host behind it does not answer.
GATEWAY = frozenset({502, 504})
#: Most flows with failures that a process keeps; those called longest ago go first.
MOST = 4096
#: Seconds over which messages that wait for the same host are spread: the first one is the probe,
#: and its outcome is mostly known when the others come.
SPREAD = 15.0
#: Seconds between two exchanges with the store.
EXCHANGE = 1.0


class Store(Protocol):
    """The store through which processes exchange which breakers opened and closed."""

    def exchange(self, changes: Mapping[Flow, Status]) -> Mapping[Flow, Status]:
        """Publish these changes, and return the recent ones of all processes. May block."""
        ...


class HostBreakers:
    """The breakers of one process, used from one event loop.

    ``store``: ``None`` shares nothing. ``clock``: unix seconds that all processes agree on.
    """

    def __init__(
        self,
        store: Store | None = None,
        *,
        rules: Rules = RULES,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._store = store
        self._rules = rules
        self._clock = clock
        self._statuses: OrderedDict[Flow, Status] = OrderedDict()
        self._changes: dict[Flow, Status] = {}
        self._lock = threading.Lock()  # the store answers on a thread of its own
        self._exchanged_at = float("-inf")

    def seconds_held(self, flow: Flow) -> float | None:
        """Return the seconds that a message must wait, or ``None`` where it is to be sent now."""
        self._exchange()
        if flow not in self._statuses:
            return None
        with self._lock:
            status = self._statuses.get(flow, Status())
            now = self._clock()
            moved, allowance = status.asked(now, self._rules)
            if allowance is None:
                return None
            if allowance.capacity:  # this message is the probe
                self._set(flow, status, moved)
                return None
            is_open = status.state is State.OPEN
            lasts = status.cooldown if is_open else self._rules.patience
            return max(0.0, status.since + lasts - now) + random.uniform(0.0, SPREAD)

    def report(self, flow: Flow, outcome: Outcome) -> None:
        """Count the outcome of a call."""
        failed = _failed(outcome)
        if not failed and flow not in self._statuses:
            return
        if isinstance(outcome, Held) or getattr(outcome, "reason", None) in NOT_CALLED:
            return
        tally = Tally(1, 1, 1) if failed else Tally(1)
        with self._lock:
            status = self._statuses.get(flow, Status())
            self._set(flow, status, status.after(tally, self._clock(), self._rules))
        self._exchange()

    def _set(self, flow: Flow, before: Status, after: Status) -> None:
        if after.state is not before.state:
            self._changes[flow] = after
            self._exchanged_at = float("-inf")  # publish it at once
        if after.state is State.CLOSED and not after.failures and not after.streak:
            self._statuses.pop(flow, None)
            return
        self._statuses[flow] = after
        self._statuses.move_to_end(flow)
        if len(self._statuses) > MOST:
            self._statuses.popitem(last=False)

    def _exchange(self) -> None:
        now = time.monotonic()
        if self._store is not None and now - self._exchanged_at >= EXCHANGE:
            self._exchanged_at = now
            loop = asyncio.get_running_loop()
            exchanged = loop.run_in_executor(None, self._exchange_with, self._store)
            exchanged.add_done_callback(lambda _: self._go_on(loop))

    def _go_on(self, loop: asyncio.AbstractEventLoop) -> None:
        """Exchange again later while a breaker is not closed.

        Of several that were scheduled only one exchanges: ``_exchange`` does nothing for the rest.
        """
        with self._lock:
            not_closed = any(one.state is not State.CLOSED for one in self._statuses.values())
        if not_closed:
            loop.call_later(EXCHANGE, self._exchange)

    def _exchange_with(self, store: Store) -> None:
        with self._lock:
            changes, self._changes = self._changes, {}
        try:
            found = store.exchange(changes)
        except Exception as error:  # each process goes on with its own counts
            log.warning("breakers of hosts are not shared: %s", type(error).__name__)
            return
        with self._lock:
            for flow, shared in found.items():
                own = self._statuses.get(flow)
                if own is None and shared.state is State.CLOSED:
                    continue
                if own is None or shared.since > own.since:
                    self._set(flow, shared, replace(shared, failures=0, streak=0))


def _failed(outcome: Outcome) -> bool:
    """Return whether the host did not answer, or a gateway said that it does not."""
    if not isinstance(outcome, Retry | Unknown):
        return False
    return outcome.reason in FAILURES or getattr(outcome, "status", None) in GATEWAY
