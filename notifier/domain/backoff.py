"""Retry policies: when to try again, and when to stop. Decisions only; nothing here sleeps."""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

from notifier.domain.outcomes import Retry

#: Seconds. A longer ``Retry-After`` is cut to this: it may be a bug or an attack, and the message
#: would outlive its use. AWS SNS retries SMTP, SMS and push for six hours.
LONGEST_RETRY_AFTER = 6 * 3600.0
SHORTEST_WAIT = 0.5


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """A retry policy.

    ``schedule``: seconds to wait after the first, second, … attempt; there is one attempt more than
    waits. ``jitter``: the random share of a wait. With 0.2, waits of 10 s are spread over 8 to 12
    s, so that what failed together does not return together.
    """

    schedule: tuple[float, ...]
    jitter: float = 0.2

    @classmethod
    def repeating(cls, waits: Sequence[float], attempts: int | None = None) -> Self:
        """Build a policy of ``attempts`` that repeats the last wait; ``None``: one per wait + 1."""
        schedule = tuple(waits)
        if attempts is not None:
            repeated = schedule[-1:] * (attempts - 1 - len(schedule))
            schedule = schedule[: attempts - 1] + repeated
        return cls(schedule)

    @property
    def attempts(self) -> int:
        """The number of times a delivery is tried before it is dead."""
        return len(self.schedule) + 1

    def wait(self, attempt: int, outcome: Retry, rng: random.Random) -> float | None:
        """Return the seconds until the next attempt, ``None`` if ``attempt`` (from 1) was the last.

        The provider's ``Retry-After`` is a floor, cut to ``LONGEST_RETRY_AFTER`` and spread upwards
        only: an earlier attempt would be refused again.
        """
        if attempt >= self.attempts:
            return None
        planned = self.schedule[attempt - 1] * (1 + self.jitter * (2 * rng.random() - 1))
        if outcome.after is None:
            return max(SHORTEST_WAIT, planned)
        asked = min(outcome.after, LONGEST_RETRY_AFTER)
        return max(SHORTEST_WAIT, planned, asked * (1 + self.jitter * rng.random()))
