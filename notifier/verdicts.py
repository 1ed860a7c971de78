"""What follows from one attempt: the state a delivery moves to, and when it is tried again."""

import random
from dataclasses import dataclass

from notifier.backoff import RetryPolicy
from notifier.failover import at_fault
from notifier.outcomes import (
    FAULT,
    Accepted,
    Fault,
    Held,
    Outcome,
    Reason,
    Refused,
    Retry,
    Unknown,
)
from notifier.states import DeliveryState


@dataclass(frozen=True, slots=True)
class Verdict:
    """``next_attempt_at`` is in unix seconds and set only with ``retrying``.

    ``moved``: another provider is asked next, and the retry policy does not count this attempt.
    """

    state: DeliveryState
    reason: str = ""
    next_attempt_at: float | None = None
    moved: bool = False


_ACCEPTED, _DELIVERED = Verdict(DeliveryState.ACCEPTED), Verdict(DeliveryState.DELIVERED)


def judge(
    outcome: Outcome,
    *,
    attempt: int,
    policy: RetryPolicy,
    resend_unknown: bool,
    expires_at: float | None,
    now: float,
    rng: random.Random,
    another: bool = False,
    alone: bool = True,
    unanswered: bool = False,
) -> Verdict:
    """Decide what becomes of a delivery after its ``attempt``-th call (from 1).

    ``resend_unknown``: whether a call without an answer is made again, at the risk of a second
    copy. A next attempt after ``expires_at`` (unix seconds) would never be sent, so the delivery
    is expired at once. ``another``: whether a further provider of the channel can be asked at
    once, should this one be at fault; ``alone``: whether the channel has no other. ``unanswered``:
    an earlier call was, so that nobody can say that it was not sent.
    """
    if another and at_fault(outcome) and (expires_at is None or now < expires_at):
        return Verdict(DeliveryState.RETRYING, outcome.reason, now, moved=True)
    match outcome:
        case Accepted(delivered=delivered):
            return _DELIVERED if delivered else _ACCEPTED
        case Refused(reason=Reason.EXPIRED) | Held(reason=Reason.CANCELLED) if unanswered:
            return Verdict(DeliveryState.UNKNOWN, Reason.NO_ANSWER)
        case Refused(reason=Reason.EXPIRED as reason):
            return Verdict(DeliveryState.EXPIRED, reason)
        case Refused(reason=reason) if FAULT.get(reason) is Fault.OURS:
            if alone:  # kept as a dead letter, to be redriven once our mistake is mended
                return Verdict(DeliveryState.DEAD, reason)
            retry = Retry(reason)  # the others were asked before it, or will be
        case Refused(reason=reason):
            return Verdict(DeliveryState.FAILED, reason)
        case Held(reason=Reason.CANCELLED):
            return Verdict(DeliveryState.CANCELLED)
        case Held(until=until, reason=reason):
            # Expired only once it is: what holds it may be over before.
            until = until if expires_at is None else min(until, expires_at)
            return Verdict(DeliveryState.RETRYING, reason, until)
        case Unknown(reason=reason) if not resend_unknown:
            return Verdict(DeliveryState.UNKNOWN, reason)
        case Unknown(reason=reason):
            retry = Retry(reason)
        case Retry() as retry:
            pass
    wait = policy.wait(attempt, retry, rng)
    in_time = wait is not None and (expires_at is None or now + wait < expires_at)
    if not in_time and (isinstance(outcome, Unknown) or (unanswered and wait is not None)):
        # Not dead and not expired: the provider may have it, and its receipt may still say so.
        return Verdict(DeliveryState.UNKNOWN, retry.reason)
    if wait is None:
        return Verdict(DeliveryState.DEAD, retry.reason)
    if not in_time:
        return Verdict(DeliveryState.EXPIRED, retry.reason)
    return Verdict(DeliveryState.RETRYING, retry.reason, now + wait)
