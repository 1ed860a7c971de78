"""Which providers may be called now, asked once for each claim."""

import time
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from django.conf import settings

from apps.core import clock
from apps.delivery import (
    address_guards,
    breakers,
    holding,
    provider_switches,
    throttles,
    wiring,
)
from apps.delivery.outbox.queues import Queue
from notifier import dispatch
from notifier.dispatch import Gate
from notifier.messages import Message
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
            found[name] = Gate(permit.room, clock.ours(permit.until), Reason.PROVIDER_DOWN)
        elif (permit := address_guards.permit(name)) is not None:
            found[name] = Gate(permit.room, clock.ours(permit.until), Reason.MANY_DEAD_ADDRESSES)
    return found


def throttle(
    queue: Queue, gates: Mapping[str, Gate], messages: Sequence[Message], *, again: bool
) -> Mapping[str, Gate]:
    """The same gates, and those of providers with a quota: as much room as that has now.

    ``again``: see ``throttles.take``.
    """
    quotas = throttles.quotas(queue.channel)
    if not quotas:
        return gates
    wanted = dispatch.wanted(wiring.routes(), messages, gates)
    wanted = Counter({name: number for name, number in wanted.items() if name in quotas})
    if not wanted:
        return gates
    now = time.time()
    found = dict(gates)
    for name, grant in throttles.take(queue.channel, wanted, queue.priority, again=again).items():
        quota = quotas[name]
        calls = quota.share(grant.processes) if quota.concurrent else None
        if name in gates:  # half open: what is beyond its room does not wait for tokens
            found[name] = replace(gates[name], room=grant.granted, calls=calls)
        else:
            pace = 1 / quota.per_second if quota.per_second else 0.0
            until = now + grant.wait
            found[name] = Gate(grant.granted, until, Reason.THROTTLED, pace=pace, calls=calls)
    return found


def shut(channels: Iterable[str]) -> set[str]:
    """Those channels on which nothing can be sent now, whatever it is. One without a provider is:
    what was accepted before it lost its last one waits until there is one again."""
    paused = provider_switches.paused()
    return {
        channel
        for channel in channels
        if all(
            name in paused or breakers.shut(name) or address_guards.shut(name)
            for name in _providers(channel)
        )
    }


def _providers(channel: str) -> list[str]:
    return [name for name, entry in settings.PROVIDERS.items() if entry["channel"] == channel]
