"""Failover: which failures move a message to its channel's next provider, and which that is."""

from collections.abc import Container, Sequence
from dataclasses import dataclass
from typing import TypeGuard

from notifier.domain.messages import Message
from notifier.domain.outcomes import Outcome, Reason, Refused, Retry
from notifier.providers import Route

#: Faults of the account, its provider or the network between: another provider may take the same
#: message. A fault of the message or its address is the same everywhere, and a bug of ours says
#: nothing about a provider.
FAULTS = frozenset(
    {
        Reason.PROVIDER_ERROR,
        Reason.CONNECTION,
        Reason.RATE_LIMITED,
        Reason.AUTHENTICATION,
        Reason.SENDER_REFUSED,
        Reason.MANY_DEAD_ADDRESSES,
    }
)


def at_fault(outcome: Outcome) -> TypeGuard[Retry | Refused]:
    """Return whether the provider is at fault and has not got the message.

    ``Unknown`` never moves over: the provider may have the message.
    """
    return isinstance(outcome, Retry | Refused) and outcome.reason in FAULTS


def rotated(routes: Sequence[Route], failed_at: str) -> Sequence[Route]:
    """Return all routes: those behind ``failed_at`` first, and that one last."""
    names = [route.name for route in routes]
    if failed_at not in names:
        return routes
    behind = names.index(failed_at) + 1
    return [*routes[behind:], *routes[:behind]]


@dataclass(frozen=True, slots=True)
class Alternatives:
    """Availability of other providers for a message.

    ``any``: there is another one; ``next``: one after the provider just called can be called at
    once. After the last one there is none: the message then waits for its next attempt.
    """

    any: bool
    next: bool


NO_ALTERNATIVE = Alternatives(any=False, next=False)


def alternatives(
    routes: Sequence[Route], message: Message, asked: str, shut: Container[str]
) -> Alternatives:
    """Return the alternatives for a message that failed at ``asked``.

    ``shut``: names of providers that nothing may be sent through now.
    """
    names = [route.name for route in routes if route.takes(message.channel, message.platform)]
    behind = names[names.index(asked) + 1 :] if asked in names else []
    # This provider was called again already: those behind it had no capacity.
    again = asked == message.failed_at
    return Alternatives(
        any(name != asked for name in names),
        not again and any(name not in shut for name in behind),
    )
