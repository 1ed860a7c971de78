"""Availability: which channels and platforms have a provider, and which may be called now."""

import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from django.conf import settings

from apps.api.problems import Problem
from apps.core import clock
from apps.delivery.flow import address_guards, breakers, provider_pauses
from apps.delivery.state import deferral
from notifier.channels.push import PLATFORMS
from notifier.dispatch.dispatcher import Gate
from notifier.domain.outcomes import Reason


@dataclass(frozen=True, slots=True)
class Gap:
    """A channel without a provider or, where ``platforms`` are named, without one for those.

    ``settings``: names of settings each of which would set one up.
    """

    channel: str
    platforms: Sequence[str]
    settings: Sequence[str]

    def __str__(self) -> str:
        """Return a clause that says what is missing, and which settings would set it up."""
        where = f" for {' and '.join(self.platforms)}" if self.platforms else ""
        way = f": {' or '.join(self.settings)} sets one up" if self.settings else ""
        return f"no provider{where}{way}"


def gaps() -> list[Gap]:
    """Return the channels and platforms that have no provider, in the order of the channels."""
    return [gap for channel in settings.CHANNELS if (gap := _gap(channel)) is not None]


def available(channels: Iterable[str]) -> list[str]:
    """Return those of the channels that have a provider."""
    served = {entry["channel"] for entry in settings.PROVIDERS.values()}
    return [channel for channel in channels if channel in served]


def require(channels: Sequence[str], pointer: str) -> None:
    """Raise ``Problem`` where one of the channels has no provider.

    ``pointer``: the JSON pointer of the channels in the request.
    """
    served = available(channels)
    if len(served) == len(channels):
        return
    missing = [gap for gap in gaps() if gap.channel in channels and gap.channel not in served]
    reasons = "; ".join(f"{gap.channel} has {gap}" for gap in missing)
    names = " and ".join(gap.channel for gap in missing)
    raise Problem(
        "no-provider",
        f"{reasons}. Leave {names} out, or have an operator set it.",
        errors=[{"pointer": pointer, "detail": f"{gap.channel}: {gap}."} for gap in missing],
    )


def shut(channels: Iterable[str]) -> set[str]:
    """Return those of the channels on which no message can be sent now.

    A channel without a provider is one of them: what was accepted before it lost its last provider
    waits until it has one again.
    """
    paused = provider_pauses.paused()
    return {
        channel
        for channel in channels
        if all(
            name in paused or breakers.shut(name) or address_guards.shut(name)
            for name in providers(channel)
        )
    }


def gates(channel: str) -> dict[str, Gate]:
    """Return gates for those of the channel's providers that may not be called freely now.

    Asking takes a half-open breaker's probes: what its gate lets through must be sent.
    """
    paused = provider_pauses.paused()
    found = {}
    for name in providers(channel):
        if name in paused:
            until = time.time() + deferral.seconds(paused[name])
            found[name] = Gate(0, until, Reason.PROVIDER_PAUSED)
        elif (allowance := breakers.allowance(name)) is not None:
            until = clock.to_local(allowance.until)
            probes = allowance.capacity > 0
            found[name] = Gate(allowance.capacity, until, Reason.PROVIDER_DOWN, probes=probes)
        elif (allowance := address_guards.allowance(name)) is not None:
            found[name] = Gate(
                allowance.capacity, clock.to_local(allowance.until), Reason.MANY_DEAD_ADDRESSES
            )
    return found


def providers(channel: str) -> list[str]:
    """Return the names of the channel's providers, in the order in which they are tried."""
    return [name for name, entry in settings.PROVIDERS.items() if entry["channel"] == channel]


def _gap(channel: str) -> Gap | None:
    entries = [entry for entry in settings.PROVIDERS.values() if entry["channel"] == channel]
    ways = settings.PROVIDER_SETTINGS.get(channel, {})
    if not entries:
        return Gap(channel, (), list(ways))
    if any(not entry.get("platforms") for entry in entries):
        return None
    served = {platform for entry in entries for platform in entry["platforms"]}
    missing = [platform for platform in PLATFORMS if platform not in served]
    if not missing:
        return None
    return Gap(channel, missing, [way for way, takes in ways.items() if {*takes} & {*missing}])
