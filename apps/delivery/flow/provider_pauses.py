"""Pauses of providers, set by operators."""

import time
from collections.abc import Mapping

from django.conf import settings
from django.db import transaction

from apps.core import clock
from apps.delivery import state
from apps.delivery.models import ProviderSwitch

#: Seconds for which a process uses what it read.
BELIEVED_SECONDS = 1.0


def pause(provider: str) -> None:
    """Send nothing through the provider until it is resumed, from within a second on.

    Its messages go to another provider of the channel where there is one, and wait otherwise.
    """
    ProviderSwitch.objects.get_or_create(provider=provider, defaults={"paused_at": clock.moment()})
    transaction.on_commit(forget)


@transaction.atomic
def resume(provider: str) -> None:
    """Send through the provider again; what waits for it becomes due now."""
    ProviderSwitch.objects.filter(provider=provider).delete()
    state.release_channel(settings.PROVIDERS[provider]["channel"])
    transaction.on_commit(forget)


def paused() -> Mapping[str, float]:
    """Return the paused providers, and since when (unix seconds); at most a second old."""
    return _cached.get()


def forget() -> None:
    """Read the pauses anew when asked next."""
    _cached.until = 0.0


class _Cached:
    """The pauses that this process read last; read again after ``until`` (monotonic seconds)."""

    def __init__(self) -> None:
        self.until = 0.0
        self._paused: Mapping[str, float] = {}

    def get(self) -> Mapping[str, float]:
        if time.monotonic() >= self.until:
            rows = ProviderSwitch.objects.values_list("provider", "paused_at")
            self._paused = {provider: since.timestamp() for provider, since in rows}
            self.until = time.monotonic() + BELIEVED_SECONDS
        return self._paused


_cached = _Cached()
