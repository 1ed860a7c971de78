"""The switch by which operators hold a provider's messages back."""

import time
from collections.abc import Mapping

from django.conf import settings
from django.db import transaction

from apps.core import clock
from apps.delivery import state
from apps.delivery.models import ProviderSwitch

#: How long a process believes what it read.
BELIEVED_SECONDS = 1.0


def pause(provider: str) -> None:
    """Send nothing through it, from within a second on, until it is resumed.

    Another provider of its channel carries its messages where there is one; else they wait.
    """
    ProviderSwitch.objects.get_or_create(provider=provider, defaults={"paused_at": clock.moment()})
    transaction.on_commit(forget)


@transaction.atomic
def resume(provider: str) -> None:
    """Send through it again; what waits for it is due now."""
    ProviderSwitch.objects.filter(provider=provider).delete()
    state.release_channel(settings.PROVIDERS[provider]["channel"])
    transaction.on_commit(forget)


def paused() -> Mapping[str, float]:
    """Providers that are paused, and since when (unix seconds); at most a second old."""
    return _seen.get()


def forget() -> None:
    """Read anew when asked next."""
    _seen.until = 0.0


class _Seen:
    """What this process read last."""

    def __init__(self) -> None:
        self.until = 0.0
        self._paused: Mapping[str, float] = {}

    def get(self) -> Mapping[str, float]:
        if time.monotonic() >= self.until:
            rows = ProviderSwitch.objects.values_list("provider", "paused_at")
            self._paused = {provider: since.timestamp() for provider, since in rows}
            self.until = time.monotonic() + BELIEVED_SECONDS
        return self._paused


_seen = _Seen()
