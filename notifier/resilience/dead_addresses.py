"""Dead addresses: what calls say about addresses, which is not believed of too many at once."""

from collections.abc import Iterable

from notifier.domain.outcomes import Accepted, Outcome, Reason, Refused
from notifier.resilience.breaker import Tally

#: Opt-outs are always believed, however many there are: people asked for them.
_DEAD = frozenset({Reason.DEAD_ADDRESS, Reason.INVALID_ADDRESS})


def is_dead(outcome: Outcome) -> bool:
    """Return whether an outcome gives up its address as dead."""
    return type(outcome) is Refused and outcome.disable_contact and outcome.reason in _DEAD


def tally(outcomes: Iterable[Outcome]) -> Tally:
    """Count the addresses that were accepted and called dead, in the order of the outcomes.

    Outcomes that say nothing about the address do not count.
    """
    calls = failures = trailing = 0
    for outcome in outcomes:
        if type(outcome) is Accepted:
            calls, trailing = calls + 1, 0
        elif is_dead(outcome):
            calls, failures, trailing = calls + 1, failures + 1, trailing + 1
    return Tally(calls, failures, trailing)


def as_our_fault(outcome: Outcome) -> Outcome:
    """Turn an outcome that calls an address dead into our own fault; return others unchanged."""
    if type(outcome) is Refused and is_dead(outcome):
        return Refused(Reason.MANY_DEAD_ADDRESSES, outcome.status, outcome.detail)
    return outcome
