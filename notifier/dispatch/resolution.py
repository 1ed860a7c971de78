"""What follows from one attempt: the state a delivery moves to, and when it is tried again."""

import random
from dataclasses import dataclass

from notifier.dispatch.failover import at_fault
from notifier.domain.backoff import RetryPolicy
from notifier.domain.outcomes import (
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
from notifier.domain.states import DeliveryState


@dataclass(frozen=True, slots=True)
class Resolution:
    """``next_attempt_at`` is in unix seconds and set only with ``retrying``.

    ``moved``: another provider is asked next, and the retry policy does not count this attempt.
    """

    state: DeliveryState
    reason: str = ""
    next_attempt_at: float | None = None
    moved: bool = False


#: States that say that nothing arrived, which nobody knows once a call went unanswered.
NOT_SENT = frozenset(
    {DeliveryState.FAILED, DeliveryState.DEAD, DeliveryState.EXPIRED, DeliveryState.CANCELLED}
)
_ACCEPTED, _DELIVERED = Resolution(DeliveryState.ACCEPTED), Resolution(DeliveryState.DELIVERED)


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
) -> Resolution:
    """Decide what becomes of a delivery after its ``attempt``-th call (from 1).

    ``resend_unknown``: whether a call without an answer is made again, at the risk of a second
    copy. A next attempt after ``expires_at`` (unix seconds) would never be sent, so the delivery
    is expired at once. ``another``: whether a further provider of the channel can be asked at
    once, should this one be at fault; ``alone``: whether the channel has no other. ``unanswered``:
    an earlier call was, so that it may have arrived whatever the last one came to.
    """
    verdict = _judge(
        outcome,
        attempt=attempt,
        policy=policy,
        resend_unknown=resend_unknown,
        expires_at=expires_at,
        now=now,
        rng=rng,
        another=another,
        alone=alone,
    )
    if unanswered and verdict.state in NOT_SENT:
        # The provider may have it, and its receipt may still say so.
        called = not isinstance(outcome, Held) and verdict.reason != Reason.EXPIRED
        return Resolution(DeliveryState.UNKNOWN, verdict.reason if called else Reason.NO_ANSWER)
    return verdict


def _judge(
    outcome: Outcome,
    *,
    attempt: int,
    policy: RetryPolicy,
    resend_unknown: bool,
    expires_at: float | None,
    now: float,
    rng: random.Random,
    another: bool,
    alone: bool,
) -> Resolution:
    """The same, as if every earlier call had been answered."""
    if another and at_fault(outcome) and (expires_at is None or now < expires_at):
        return Resolution(DeliveryState.RETRYING, outcome.reason, now, moved=True)
    match outcome:
        case Accepted(delivered=delivered):
            return _DELIVERED if delivered else _ACCEPTED
        case Refused(reason=Reason.EXPIRED as reason):
            return Resolution(DeliveryState.EXPIRED, reason)
        case Refused(reason=reason) if FAULT.get(reason) is Fault.OURS:
            if alone:  # kept as a dead letter, to be redriven once our mistake is mended
                return Resolution(DeliveryState.DEAD, reason)
            retry = Retry(reason)  # the others were asked before it, or will be
        case Refused(reason=reason):
            return Resolution(DeliveryState.FAILED, reason)
        case Held(reason=Reason.CANCELLED):
            return Resolution(DeliveryState.CANCELLED)
        case Held(until=until, reason=reason):
            # Expired only once it is: what holds it may be over before.
            until = until if expires_at is None else min(until, expires_at)
            return Resolution(DeliveryState.RETRYING, reason, until)
        case Unknown(reason=reason) if not resend_unknown:
            return Resolution(DeliveryState.UNKNOWN, reason)
        case Unknown(reason=reason):
            retry = Retry(reason)
        case Retry() as retry:
            pass
    wait = policy.wait(attempt, retry, rng)
    in_time = wait is not None and (expires_at is None or now + wait < expires_at)
    if not in_time and isinstance(outcome, Unknown):
        return Resolution(DeliveryState.UNKNOWN, retry.reason)
    if wait is None:
        return Resolution(DeliveryState.DEAD, retry.reason)
    if not in_time:
        return Resolution(DeliveryState.EXPIRED, retry.reason)
    return Resolution(DeliveryState.RETRYING, retry.reason, now + wait)
