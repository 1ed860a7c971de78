"""Stop signals for messages that wait in this process to be sent."""

import time
from collections.abc import Mapping
from dataclasses import dataclass, field

from notifier.domain.outcomes import Held, Reason

#: Seconds after which a message is tried again that was held because cancellation was unknown.
LOOK_AGAIN = 1.0


@dataclass(slots=True)
class CancellationView:
    """Knowledge of cancelled notifications, which holds ``until`` (monotonic seconds)."""

    until: float = 0.0


@dataclass(slots=True)
class StopSignal:
    """The stop signal of one notification's messages, read right before each is sent.

    ``all``: why none of them may be sent; ``at``: the same by provider. Both are set from another
    thread. ``until``, ``sight``: once both are in the past, it is not known whether the
    notification was cancelled, and its messages are held; without a ``sight`` this is not checked.
    """

    all: Held | None = None
    at: Mapping[str, Held] = field(default_factory=dict)
    until: float = 0.0
    sight: CancellationView | None = None

    def stops(self, provider: str) -> Held | None:
        """Return why ``provider`` must not be called for them now, or ``None`` if it may be."""
        if (held := self.all or self.at.get(provider)) is not None:
            return held
        if self.sight is None or time.monotonic() <= max(self.until, self.sight.until):
            return None
        return Held(time.time() + LOOK_AGAIN, Reason.UNCONFIRMED)
