"""Stopping messages that still wait for their turn in this process."""

import time
from collections.abc import Mapping
from dataclasses import dataclass, field

from notifier.domain.outcomes import Held, Reason

#: Seconds after which a message that was not sent because nobody could look is tried again.
LOOK_AGAIN = 1.0


@dataclass(slots=True)
class Sight:
    """Until when (monotonic seconds) a process knows what was cancelled."""

    until: float = 0.0


@dataclass(slots=True)
class Halt:
    """Shared by messages of one notification, and read right before each is sent.

    ``all``: what becomes of them instead; ``at``: the same, where a provider's turn it is. Set
    from another thread, as often as things change. ``until``, ``sight``: when both are over, it is
    not known whether they were cancelled, and they are held; without a ``sight`` that is not asked.
    """

    all: Held | None = None
    at: Mapping[str, Held] = field(default_factory=dict)
    until: float = 0.0
    sight: Sight | None = None

    def stops(self, provider: str) -> Held | None:
        """Why the provider must not be called for them now, or ever."""
        if (held := self.all or self.at.get(provider)) is not None:
            return held
        if self.sight is None or time.monotonic() <= max(self.until, self.sight.until):
            return None
        return Held(time.time() + LOOK_AGAIN, Reason.UNCONFIRMED)
