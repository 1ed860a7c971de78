"""Which providers may be called now, asked once for each chunk."""

import time
from collections.abc import Iterable

from django.conf import settings

from apps.delivery import breakers, holding, provider_switches
from notifier.dispatch import Gate
from notifier.outcomes import Reason


def gates(channel: str) -> dict[str, Gate]:
    """Gates before those of the channel's providers that may not be called freely."""
    paused = provider_switches.paused()
    found = {}
    for name in _providers(channel):
        if name in paused:
            until = time.time() + holding.seconds(paused[name])
            found[name] = Gate(0, until, Reason.PROVIDER_PAUSED)
        elif (permit := breakers.permit(name)) is not None:
            found[name] = Gate(permit.room, permit.until, Reason.PROVIDER_DOWN)
    return found


def shut(channels: Iterable[str]) -> set[str]:
    """Those channels on which nothing can be sent now, whatever it is."""
    paused = provider_switches.paused()
    return {
        channel
        for channel in channels
        if (names := _providers(channel))
        and all(name in paused or breakers.shut(name) for name in names)
    }


def _providers(channel: str) -> list[str]:
    return [name for name, entry in settings.PROVIDERS.items() if entry["channel"] == channel]
