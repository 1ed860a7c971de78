"""Stopping messages that still wait for their turn in this process."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from notifier.outcomes import Held


@dataclass(slots=True)
class Halt:
    """Shared by messages of one notification, and read right before each is sent.

    ``all``: what becomes of them instead; ``at``: the same, where a provider's turn it is. Set
    from another thread, as often as things change.
    """

    all: Held | None = None
    at: Mapping[str, Held] = field(default_factory=dict)

    def stops(self, provider: str) -> Held | None:
        """Why the provider must not be called for them now, or ever."""
        return self.all or self.at.get(provider)
