"""Admission: how many messages of a claim each provider may be given now."""

import time
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace

from apps.core import clock
from apps.delivery.flow import (
    address_guards,
    availability,
    breakers,
    provider_pauses,
    provider_quotas,
)
from apps.delivery.sending import runtime
from apps.delivery.sending.claiming import Claim
from apps.delivery.state import deferral
from notifier.dispatch import dispatcher
from notifier.dispatch.dispatcher import Gate
from notifier.domain.messages import Message
from notifier.domain.outcomes import Reason


@dataclass(frozen=True, slots=True)
class Admission:
    """Providers and messages to which a claim is admitted.

    ``gates``: by provider, how many messages it may be given; one without a gate takes any number.
    ``closed``: providers that take none, so that nothing is moved to them from one that failed.
    ``probed``: providers whose breaker is half open, and takes a few to see whether they answer.
    """

    gates: Mapping[str, Gate]
    closed: Collection[str]
    probed: Collection[str]


#: The admission of a claim for which none could be determined.
NOTHING_ADMITTED = Admission({}, (), ())


def admit(claim: Claim, messages: Sequence[Message]) -> Admission:
    """Ask pauses, breakers and quotas, in this order, once for a whole claim.

    Asking takes a half-open breaker's probes and a quota's tokens, so what is admitted must be
    sent.
    """
    gates = _gates(claim.queue.channel)
    closed = [name for name, gate in gates.items() if not gate.capacity]
    probed = [
        name
        for name, gate in gates.items()
        if gate.capacity and gate.reason == Reason.PROVIDER_DOWN
    ]
    return Admission(_within_quotas(claim, gates, messages), closed, probed)


def _gates(channel: str) -> dict[str, Gate]:
    """Return gates for those of the channel's providers that may not be called freely."""
    paused = provider_pauses.paused()
    found = {}
    for name in availability.providers(channel):
        if name in paused:
            until = time.time() + deferral.seconds(paused[name])
            found[name] = Gate(0, until, Reason.PROVIDER_PAUSED)
        elif (permit := breakers.permit(name)) is not None:
            found[name] = Gate(permit.capacity, clock.to_local(permit.until), Reason.PROVIDER_DOWN)
        elif (permit := address_guards.permit(name)) is not None:
            found[name] = Gate(
                permit.capacity, clock.to_local(permit.until), Reason.MANY_DEAD_ADDRESSES
            )
    return found


def _within_quotas(
    claim: Claim, gates: Mapping[str, Gate], messages: Sequence[Message]
) -> Mapping[str, Gate]:
    """Narrow the gates to what the quotas of their providers allow now."""
    channel, priority = claim.queue
    quotas = provider_quotas.quotas(channel)
    if not quotas:
        return gates
    wanted = dispatcher.wanted(runtime.routes(), messages, gates)
    wanted = Counter({name: number for name, number in wanted.items() if name in quotas})
    if not wanted:
        return gates
    now = time.time()
    found = dict(gates)
    taken = provider_quotas.take(channel, wanted, priority, again=claim.again)
    for name, grant in taken.items():
        quota = quotas[name]
        calls = quota.share(grant.processes) if quota.concurrent else None
        if name in gates:  # half open: what is beyond its room does not wait for tokens
            found[name] = replace(gates[name], capacity=grant.granted, calls=calls)
        else:
            pace = 1 / quota.per_second if quota.per_second else 0.0
            until = now + grant.wait
            found[name] = Gate(grant.granted, until, Reason.THROTTLED, pace=pace, calls=calls)
    return found
