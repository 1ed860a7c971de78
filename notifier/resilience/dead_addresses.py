"""What calls say of addresses, and what becomes of it where that cannot be believed."""

from collections.abc import Iterable

from notifier.domain.outcomes import Accepted, Outcome, Reason, Refused
from notifier.resilience.breaker import Tally

#: Of an opt-out there is no doubt, however many there are: it is what people said.
_DEAD = frozenset({Reason.DEAD_ADDRESS, Reason.INVALID_ADDRESS})


def is_dead(outcome: Outcome) -> bool:
    """Whether it gives its address up as leading nowhere."""
    return type(outcome) is Refused and outcome.disable_contact and outcome.reason in _DEAD


def tally(outcomes: Iterable[Outcome]) -> Tally:
    """How many addresses, in the order in which the outcomes came, were taken and called dead.

    What says nothing of the address does not count.
    """
    calls = failures = trailing = 0
    for outcome in outcomes:
        if type(outcome) is Accepted:
            calls, trailing = calls + 1, 0
        elif is_dead(outcome):
            calls, failures, trailing = calls + 1, failures + 1, trailing + 1
    return Tally(calls, failures, trailing)


def doubted(outcome: Outcome) -> Outcome:
    """The same where it is about something else; our own mistake where it calls an address dead."""
    if type(outcome) is Refused and is_dead(outcome):
        return Refused(Reason.MANY_DEAD_ADDRESSES, outcome.status, outcome.detail)
    return outcome
