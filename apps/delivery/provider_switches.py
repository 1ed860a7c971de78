"""The switch by which operators hold a provider's messages back."""

import time
from collections.abc import Mapping

from django.db import transaction
from django.utils import timezone

from apps.delivery.models import ProviderSwitch

#: How long a process believes what it read.
BELIEVED_SECONDS = 1.0


def pause(provider: str) -> None:
    """Send nothing through it, from within a second on, until it is resumed.

    Another provider of its channel carries its messages where there is one; else they wait.
    """
    ProviderSwitch.objects.get_or_create(provider=provider, defaults={"paused_at": timezone.now()})
    _seen.forget()


@transaction.atomic
def resume(provider: str) -> None:
    """Send through it again; what waits for it is due now."""
    ProviderSwitch.objects.filter(provider=provider).delete()
    transaction.on_commit(_seen.forget)


def paused() -> Mapping[str, float]:
    """Providers that are paused, and since when (unix seconds); at most a second old."""
    return _seen.get()


class _Seen:
    """What this process read last."""

    def __init__(self) -> None:
        self._until = 0.0
        self._paused: Mapping[str, float] = {}

    def get(self) -> Mapping[str, float]:
        if time.monotonic() >= self._until:
            rows = ProviderSwitch.objects.values_list("provider", "paused_at")
            self._paused = {provider: since.timestamp() for provider, since in rows}
            self._until = time.monotonic() + BELIEVED_SECONDS
        return self._paused

    def forget(self) -> None:
        self._until = 0.0


_seen = _Seen()
