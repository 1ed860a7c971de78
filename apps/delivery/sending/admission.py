"""Admission: how many messages of a claim each provider may be given now."""

import time
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from apps.core.database_errors import FAILURES
from apps.delivery.flow import availability, provider_quotas
from apps.delivery.sending import runtime
from apps.delivery.sending.claiming import Claim
from notifier.dispatch.dispatcher import Gate
from notifier.domain.cancellation import LOOK_AGAIN
from notifier.domain.messages import Message
from notifier.domain.outcomes import Reason
from notifier.providers.base import log_bug

#: Seconds until a claim is tried again that could not be admitted because of a bug.
AFTER_A_BUG = 30.0


@dataclass(frozen=True, slots=True)
class Admission:
    """The number of messages of a claim that each provider may be given.

    ``gates``: by provider, how many messages it may be given; one without a gate takes any number.
    ``closed``: providers that take none, so that nothing is moved to them from one that failed.
    ``probed``: providers whose breaker is half open, and takes a few to see whether they answer.
    """

    gates: Mapping[str, Gate]
    closed: Collection[str]
    probed: Collection[str]


def admit(claim: Claim, messages: Sequence[Message]) -> Admission:
    """Ask pauses, breakers and quotas, in this order, once for a whole claim.

    Asking takes a half-open breaker's probes and a quota's tokens, so what is admitted must be
    sent. Raises what kept them from being asked: see ``refuse``.
    """
    gates = availability.gates(claim.queue.channel)
    closed = [name for name, gate in gates.items() if not gate.capacity]
    probed = [name for name, gate in gates.items() if gate.probes]
    narrowed = provider_quotas.narrow(
        gates, claim.queue, runtime.routes(), messages, again=claim.again
    )
    return Admission(narrowed, closed, probed)


def refuse(claim: Claim, error: Exception) -> Admission:
    """Close every provider to a claim that could not be admitted because of this error.

    For ``LOOK_AGAIN`` seconds after a database error, for ``AFTER_A_BUG`` seconds after any other.
    """
    gate = Gate(0, time.time() + LOOK_AGAIN, Reason.UNCONFIRMED)
    if not isinstance(error, FAILURES):
        log_bug(f"claim {claim.id} cannot be sent", error)
        gate = Gate(0, time.time() + AFTER_A_BUG, Reason.INTERNAL)
    closed = availability.providers(claim.queue.channel)
    return Admission(dict.fromkeys(closed, gate), closed, ())
