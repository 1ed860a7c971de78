"""A provider account's quota: how much may be sent through it, by all workers together.

A token bucket, of which the lower priorities leave a part untouched. What finds no token is told
when its turn is: behind what waits already, at the quota's own pace, so that neither a blast wakes
all at once nor anything is held back again and again.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from notifier.domain.priorities import Priority

#: Share of a second's messages that a priority leaves to those above it.
LEFT_OVER: Mapping[Priority, float] = {
    Priority.HIGH: 0.0,
    Priority.NORMAL: 0.2,
    Priority.LOW: 0.3,
}
#: A second's tokens at least: of fewer, low priority could never take one.
SMALLEST = 5.0


@dataclass(frozen=True, slots=True)
class Quota:
    """Messages ``per_second``, and calls under way at once (``concurrent``); 0 is no limit."""

    per_second: float = 0.0
    concurrent: int = 0

    @property
    def burst(self) -> float:
        """Tokens that gather while nothing is sent: a second's, and what the lowest priority
        leaves. Without that, who looks once a second finds a second's less what it must leave, and
        a newsletter alone gets no more than 70 % of the quota."""
        return (1 + max(LEFT_OVER.values())) * self._second

    def left_over(self, priority: str) -> float:
        """Tokens that this priority must not take."""
        return LEFT_OVER[Priority(priority)] * self._second

    @property
    def _second(self) -> float:
        return max(self.per_second, SMALLEST)

    def share(self, processes: int) -> int:
        """Calls that each of so many processes may have under way: at least one, so that more
        processes than calls go over the quota."""
        return max(1, self.concurrent // max(1, processes))


@dataclass(frozen=True, slots=True)
class Grant:
    """So many messages may be sent now; the turn of the next one is in ``wait`` seconds.

    ``processes``: how many send through the account, the one that asked included.
    """

    granted: int
    wait: float
    processes: int = 1


@dataclass(slots=True)
class Bucket:
    """One account's bucket as one process keeps it. Times are in unix seconds."""

    tokens: float | None = None
    at: float = 0.0
    #: By name of a line: when the turn of the last one in it is over.
    lines: dict[str, float] = field(default_factory=dict)

    def take(self, quota: Quota, wanted: int, left_over: float, line: str, now: float) -> Grant:
        """Up to ``wanted`` tokens; the rest joins the line."""
        tokens = quota.burst if self.tokens is None else self.tokens
        passed = max(0.0, now - self.at)
        tokens = min(quota.burst, tokens + passed * quota.per_second)
        granted = min(wanted, max(0, int(tokens - left_over)))
        self.tokens, self.at = tokens - granted, now
        wait = 0.0
        if granted < wanted:
            begins = max(self.lines.get(line, 0.0), now + 1 / quota.per_second)
            self.lines[line] = begins + (wanted - granted) / quota.per_second
            wait = begins - now
        return Grant(granted, wait)
