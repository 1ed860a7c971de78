"""Breakers of webhooks' hosts: one that does not answer is left alone for a while.

Each publisher has its own view of a host: what one posts to a path that always fails must not hold
back another's messages to the same host. A process counts by itself, in memory; where a breaker
opens or closes, a ``Store`` tells the other processes, once a second. So no call waits for
anything, and a process that has not heard yet makes a few calls more. One that leaves a host alone
goes on listening, calls or none: it must know that the host is back before messages come.

Only what has failed is kept, and no more than ``MOST`` of it.
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
from notifier.resilience.breaker import FAILURES, NOT_CALLED, Rules, Standing, State, Tally
from notifier.resilience.fair_queue import Flow

log = logging.getLogger(__name__)

#: It opens after 10 failed calls in a row, or half of 20 or more within a minute. A single call
#: tries the host again, after 15 s at first and 10 min at last.
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
#: What a gateway answers for a host behind it that does not.
GATEWAY = frozenset({502, 504})
#: Hosts with failures that a process keeps; beyond, those go that were called longest ago.
MOST = 4096
#: Seconds over which messages that wait for the same host are spread: the first one tries it, and
#: when the others come it is mostly known how that ended.
SPREAD = 15.0
#: Seconds between two exchanges with the store.
EXCHANGE = 1.0


class Store(Protocol):
    """Where processes tell each other which breakers opened and closed."""

    def exchange(self, changes: Mapping[Flow, Standing]) -> Mapping[Flow, Standing]:
        """Tell of these, and return what all processes told of late. May block."""
        ...


class HostBreakers:
    """Used from one event loop. ``clock`` gives unix seconds that all processes agree on."""

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
        self._standings: OrderedDict[Flow, Standing] = OrderedDict()
        self._changes: dict[Flow, Standing] = {}
        self._lock = threading.Lock()  # the store answers on a thread of its own
        self._exchanged_at = float("-inf")

    def seconds_held(self, flow: Flow) -> float | None:
        """For how long a message must wait, or ``None`` where it is to be sent now."""
        self._exchange()
        if flow not in self._standings:
            return None
        with self._lock:
            standing = self._standings.get(flow, Standing())
            now = self._clock()
            moved, permit = standing.asked(now, self._rules)
            if permit is None:
                return None
            if permit.capacity:  # this one tries it
                self._set(flow, standing, moved)
                return None
            is_open = standing.state is State.OPEN
            lasts = standing.cooldown if is_open else self._rules.patience
            return max(0.0, standing.since + lasts - now) + random.uniform(0.0, SPREAD)

    def report(self, flow: Flow, outcome: Outcome) -> None:
        """Count what a call came to."""
        failed = _failed(outcome)
        if not failed and flow not in self._standings:
            return
        if isinstance(outcome, Held) or getattr(outcome, "reason", None) in NOT_CALLED:
            return
        tally = Tally(1, 1, 1) if failed else Tally(1)
        with self._lock:
            standing = self._standings.get(flow, Standing())
            self._set(flow, standing, standing.after(tally, self._clock(), self._rules))
        self._exchange()

    def _set(self, flow: Flow, before: Standing, after: Standing) -> None:
        if after.state is not before.state:
            self._changes[flow] = after
            self._exchanged_at = float("-inf")  # tell at once
        if after.state is State.CLOSED and not after.failures and not after.streak:
            self._standings.pop(flow, None)
            return
        self._standings[flow] = after
        self._standings.move_to_end(flow)
        if len(self._standings) > MOST:
            self._standings.popitem(last=False)

    def _exchange(self) -> None:
        now = time.monotonic()
        if self._store is not None and now - self._exchanged_at >= EXCHANGE:
            self._exchanged_at = now
            loop = asyncio.get_running_loop()
            told = loop.run_in_executor(None, self._tell, self._store)
            told.add_done_callback(lambda _: self._go_on(loop))

    def _go_on(self, loop: asyncio.AbstractEventLoop) -> None:
        """Exchange again while a host is left alone. Of several that are under way one goes on:
        ``_exchange`` does nothing for the others."""
        with self._lock:
            alone = any(one.state is not State.CLOSED for one in self._standings.values())
        if alone:
            loop.call_later(EXCHANGE, self._exchange)

    def _tell(self, store: Store) -> None:
        with self._lock:
            changes, self._changes = self._changes, {}
        try:
            found = store.exchange(changes)
        except Exception as error:  # each process goes on with what it knows
            log.warning("breakers of hosts are not shared: %s", type(error).__name__)
            return
        with self._lock:
            for flow, told in found.items():
                own = self._standings.get(flow)
                if own is None and told.state is State.CLOSED:
                    continue
                if own is None or told.since > own.since:
                    self._set(flow, told, replace(told, failures=0, streak=0))


def _failed(outcome: Outcome) -> bool:
    """Whether the host did not answer, or said that it cannot."""
    if not isinstance(outcome, Retry | Unknown):
        return False
    return outcome.reason in FAILURES or getattr(outcome, "status", None) in GATEWAY
