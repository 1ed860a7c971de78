"""A provider account's quota: how much all workers together may send through it.

It is a token bucket of which the lower priorities leave a part untouched. A message without a token
gets a time slot behind those that wait already, at the quota's pace. So neither a blast wakes up
all at once, nor is a message held back again and again.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from notifier.domain.priorities import Priority

#: Share of a second's tokens that a priority leaves to higher ones.
LEFT_OVER: Mapping[Priority, float] = {
    Priority.HIGH: 0.0,
    Priority.NORMAL: 0.2,
    Priority.LOW: 0.3,
}
#: Least tokens of a second: of fewer, low priority could never take one.
SMALLEST = 5.0


@dataclass(frozen=True, slots=True)
class Quota:
    """Messages ``per_second``, and calls in flight at once (``concurrent``); 0 is no limit."""

    per_second: float = 0.0
    concurrent: int = 0

    @property
    def burst(self) -> float:
        """The size of the bucket: a second's tokens, and what the lowest priority leaves.

        Without the latter, a newsletter alone would get only 70 % of the quota, since it takes
        tokens once a second and must leave 30 % of a second's.
        """
        return (1 + max(LEFT_OVER.values())) * self._second

    def left_over(self, priority: str) -> float:
        """Return the tokens that this priority must not take."""
        return LEFT_OVER[Priority(priority)] * self._second

    @property
    def _second(self) -> float:
        return max(self.per_second, SMALLEST)

    def share(self, processes: int) -> int:
        """Return the calls that each of so many processes may have in flight.

        It is at least one, so more processes than ``concurrent`` calls exceed the quota.
        """
        return max(1, self.concurrent // max(1, processes))


@dataclass(frozen=True, slots=True)
class Grant:
    """The number of messages that may be sent now; the next one's slot is in ``wait`` seconds.

    ``processes``: how many send through the account, the asking one included.
    """

    granted: int
    wait: float
    processes: int = 1


@dataclass(slots=True)
class Bucket:
    """One account's bucket in one process. Times are in unix seconds."""

    tokens: float | None = None
    at: float = 0.0
    #: End of the last slot given out in a waiting line, by its name.
    lines: dict[str, float] = field(default_factory=dict)

    def take(self, quota: Quota, wanted: int, left_over: float, line: str, now: float) -> Grant:
        """Take up to ``wanted`` tokens; the rest gets slots at the end of the waiting ``line``."""
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
