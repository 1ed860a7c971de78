"""Which failures move a message over to its channel's next provider, and who that is."""

from collections.abc import Container, Sequence
from dataclasses import dataclass
from typing import TypeGuard

from notifier.domain.messages import Message
from notifier.domain.outcomes import Outcome, Reason, Refused, Retry
from notifier.providers import Route

#: The account's or its provider's fault, or the network's between us: another one may well take
#: the same message. What is wrong with the message or its address is so everywhere, and a bug of
#: ours says nothing of anybody.
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
    """Whether the provider is, and has not got the message: ``Unknown`` never moves over."""
    return isinstance(outcome, Retry | Refused) and outcome.reason in FAULTS


def rotated(routes: Sequence[Route], failed_at: str) -> Sequence[Route]:
    """All of them, those behind the one that failed first, and itself last."""
    names = [route.name for route in routes]
    if failed_at not in names:
        return routes
    behind = names.index(failed_at) + 1
    return [*routes[behind:], *routes[:behind]]


@dataclass(frozen=True, slots=True)
class Alternatives:
    """The other providers that take a message. ``any``: whether there are some; ``next``: whether
    one behind the one that was just asked can be asked at once.

    Behind the last there is none: then the round is over, and what failed everywhere waits.
    """

    any: bool
    next: bool


NO_ALTERNATIVE = Alternatives(any=False, next=False)


def alternatives(
    routes: Sequence[Route], message: Message, asked: str, shut: Container[str]
) -> Alternatives:
    """Who else there is for a message that ``asked`` failed; nobody sends through ``shut``."""
    names = [route.name for route in routes if route.takes(message.channel, message.platform)]
    behind = names[names.index(asked) + 1 :] if asked in names else []
    # It was this one's turn again already: those behind it had no room just now.
    again = asked == message.failed_at
    return Alternatives(
        any(name != asked for name in names),
        not again and any(name not in shut for name in behind),
    )
