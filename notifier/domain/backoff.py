"""When to try again, and when to stop: a decision, never a sleep."""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

from notifier.domain.outcomes import Retry

#: A provider asking for more than this is not believed: it may be a bug or an attack, and the
#: message would outlive its use. Six hours is as long as AWS SNS retries SMTP, SMS and push.
LONGEST_RETRY_AFTER = 6 * 3600.0
SHORTEST_WAIT = 0.5


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """Seconds to wait after the first, second, … attempt; one attempt more than waits.

    ``jitter`` is the share of a wait that is random: waits of 10 s with jitter 0.2 are spread
    over 8 to 12 s, so that what failed together does not return together.
    """

    schedule: tuple[float, ...]
    jitter: float = 0.2

    @classmethod
    def repeating(cls, waits: Sequence[float], attempts: int | None = None) -> Self:
        """A policy of so many attempts, the last wait repeated; ``None``: one more than waits."""
        schedule = tuple(waits)
        if attempts is not None:
            schedule = (schedule + schedule[-1:] * (attempts - 1 - len(schedule)))[: attempts - 1]
        return cls(schedule)

    @property
    def attempts(self) -> int:
        """How many times a delivery is tried before it is dead."""
        return len(self.schedule) + 1

    def wait(self, attempt: int, outcome: Retry, rng: random.Random) -> float | None:
        """Seconds until the next attempt, or ``None`` when ``attempt`` (from 1) was the last.

        ``Retry-After`` is a floor, clamped to ``LONGEST_RETRY_AFTER`` and spread upwards only:
        coming back before the time the provider named would be refused again.
        """
        if attempt >= self.attempts:
            return None
        planned = self.schedule[attempt - 1] * (1 + self.jitter * (2 * rng.random() - 1))
        if outcome.after is None:
            return max(SHORTEST_WAIT, planned)
        asked = min(max(outcome.after, 0.0), LONGEST_RETRY_AFTER)
        return max(SHORTEST_WAIT, planned, asked * (1 + self.jitter * rng.random()))
