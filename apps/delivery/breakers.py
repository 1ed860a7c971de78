"""Which providers may be called, for operators and for the metrics."""

from dataclasses import dataclass
from datetime import UTC, datetime

from django.conf import settings

from apps.delivery import provider_switches


@dataclass(frozen=True, slots=True)
class Breaker:
    """A provider's breaker. ``state``: closed, half_open, open or paused (by an operator).

    ``since`` is when it came to that state, where that is known; ``why`` is a clause for people.
    """

    name: str
    channel: str
    state: str
    since: datetime | None = None
    why: str = ""


def breakers() -> list[Breaker]:
    """Every provider's breaker, in the order in which a channel tries them."""
    paused = provider_switches.paused()
    found = []
    for name, entry in settings.PROVIDERS.items():
        if name in paused:
            since = datetime.fromtimestamp(paused[name], UTC)
            found.append(Breaker(name, entry["channel"], "paused", since, "an operator paused it"))
        else:
            found.append(Breaker(name, entry["channel"], "closed"))
    return found
