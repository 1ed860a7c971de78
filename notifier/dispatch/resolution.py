"""Resolution of an attempt: the state a delivery moves to, and when it is tried again."""

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
    """The state that follows from an attempt, and why.

    ``next_attempt_at``: unix seconds, set only with ``retrying``. ``moved``: another provider is
    called next, and the retry policy does not count this attempt.
    """

    state: DeliveryState
    reason: str = ""
    next_attempt_at: float | None = None
    moved: bool = False


#: States that say that nothing arrived, which is not certain once a call went unanswered.
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
    """Decide the state of a delivery after its ``attempt``-th call (from 1).

    ``resend_unknown``: whether to repeat a call that got no answer, at the risk of a second copy.
    ``expires_at``: unix seconds; a next attempt after it would never be sent, so the delivery
    expires at once. ``another``: whether a further provider of the channel can be called at once,
    should this one be at fault; ``alone``: whether the channel has no other. ``unanswered``:
    whether an earlier call got no answer, so that the message may have arrived whatever the last
    outcome is.
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
    """Decide the state as if every earlier call had been answered."""
    if another and at_fault(outcome) and (expires_at is None or now < expires_at):
        return Resolution(DeliveryState.RETRYING, outcome.reason, now, moved=True)
    match outcome:
        case Accepted(delivered=delivered):
            return _DELIVERED if delivered else _ACCEPTED
        case Refused(reason=Reason.EXPIRED as reason):
            return Resolution(DeliveryState.EXPIRED, reason)
        case Refused(reason=reason) if FAULT.get(reason) is Fault.OURS:
            if alone:  # a dead letter, to be redriven once our mistake is fixed
                return Resolution(DeliveryState.DEAD, reason)
            retry = Retry(reason)  # the other providers were called before it, or will be
        case Refused(reason=reason):
            return Resolution(DeliveryState.FAILED, reason)
        case Held(reason=Reason.CANCELLED):
            return Resolution(DeliveryState.CANCELLED)
        case Held(until=until, reason=reason):
            # It expires only when its time is up: the hold may end before.
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
