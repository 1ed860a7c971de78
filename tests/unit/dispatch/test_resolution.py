import random

import pytest

from notifier.dispatch.resolution import judge
from notifier.domain.backoff import RetryPolicy
from notifier.domain.outcomes import FAULT, Accepted, Fault, Held, Reason, Refused, Retry, Unknown
from notifier.domain.states import TERMINAL, TRANSITIONS, WAITING, DeliveryState, may_move

NOW = 1_000_000.0


def judged(
    outcome, *, attempt=1, resend_unknown=False, expires_at=None, unanswered=False, alone=True
):
    return judge(
        outcome,
        attempt=attempt,
        policy=RetryPolicy((10.0, 10.0), jitter=0.0),
        resend_unknown=resend_unknown,
        expires_at=expires_at,
        now=NOW,
        unanswered=unanswered,
        alone=alone,
        rng=random.Random(1),
    )


def test_what_the_provider_took_is_accepted():
    assert judged(Accepted("id")).state == DeliveryState.ACCEPTED


def test_what_is_there_at_once_is_delivered():
    assert judged(Accepted(delivered=True)).state == DeliveryState.DELIVERED


def test_a_refusal_is_final_on_the_first_attempt():
    verdict = judged(Refused(Reason.INVALID_ADDRESS))
    assert (verdict.state, verdict.reason) == (DeliveryState.FAILED, "invalid_address")
    assert verdict.next_attempt_at is None


def test_refused_credentials_make_a_dead_letter_on_the_first_attempt():
    verdict = judged(Refused(Reason.AUTHENTICATION))
    assert (verdict.state, verdict.reason) == (DeliveryState.DEAD, "authentication")
    assert verdict.next_attempt_at is None


def test_a_passing_error_is_tried_again_by_the_policy():
    verdict = judged(Retry(Reason.PROVIDER_ERROR))
    assert (verdict.state, verdict.next_attempt_at) == (DeliveryState.RETRYING, NOW + 10)


def test_out_of_attempts_is_dead_with_the_last_reason():
    verdict = judged(Retry(Reason.CONNECTION), attempt=3)
    assert (verdict.state, verdict.reason) == (DeliveryState.DEAD, "connection")


def test_no_answer_is_unknown_where_a_second_copy_would_hurt():
    assert judged(Unknown()).state == DeliveryState.UNKNOWN


def test_no_answer_is_tried_again_where_a_missing_copy_would_hurt_more():
    assert judged(Unknown(), resend_unknown=True).state == DeliveryState.RETRYING


def test_a_next_attempt_after_the_expiry_is_not_waited_for():
    assert judged(Retry(Reason.TIMEOUT), expires_at=NOW + 5).state == DeliveryState.EXPIRED


def test_every_verdict_is_a_move_that_the_table_allows():
    outcomes = [Accepted(), Accepted(delivered=True), Refused(Reason.REJECTED), Unknown()]
    for outcome in [*outcomes, Retry(Reason.TIMEOUT)]:
        for attempt in (1, 3):
            for expires_at in (None, NOW + 1):
                for resend in (True, False):
                    verdict = judged(
                        outcome, attempt=attempt, expires_at=expires_at, resend_unknown=resend
                    )
                    assert may_move(DeliveryState.SENDING, verdict.state)


def test_every_state_has_its_row_and_waiting_ones_lead_to_sending():
    assert set(TRANSITIONS) == set(DeliveryState)
    assert WAITING | TERMINAL == set(DeliveryState)
    assert all(
        may_move(state, DeliveryState.SENDING) for state in WAITING - {DeliveryState.SENDING}
    )


def test_what_the_provider_may_have_is_neither_dead_nor_expired():
    late = judged(Unknown(), resend_unknown=True, expires_at=NOW + 1)
    last = judged(Unknown(), resend_unknown=True, attempt=3)
    assert late.state == last.state == DeliveryState.UNKNOWN


def test_what_expired_before_it_was_sent_is_expired():
    assert judged(Refused(Reason.EXPIRED)).state == DeliveryState.EXPIRED


@pytest.mark.parametrize(
    "outcome", [Refused(Reason.EXPIRED), Held(0.0, Reason.CANCELLED), Retry(Reason.TIMEOUT)]
)
def test_what_an_earlier_unanswered_call_may_have_sent_is_neither_cancelled_nor_expired(outcome):
    assert judged(outcome, unanswered=True, expires_at=NOW + 1).state == DeliveryState.UNKNOWN


@pytest.mark.parametrize(
    ("outcome", "alone"),
    [
        (Refused(Reason.INVALID_ADDRESS, disable_contact=True), DeliveryState.FAILED),
        (Refused(Reason.REJECTED, 404), DeliveryState.FAILED),
        (Refused(Reason.AUTHENTICATION), DeliveryState.DEAD),
        (Retry(Reason.PROVIDER_ERROR, status=503), DeliveryState.DEAD),
        (Retry(Reason.CONNECTION), DeliveryState.DEAD),
    ],
)
def test_what_an_earlier_unanswered_call_may_have_sent_is_neither_failed_nor_dead(outcome, alone):
    verdict = judged(outcome, unanswered=True, attempt=3)
    assert (verdict.state, verdict.reason) == (DeliveryState.UNKNOWN, outcome.reason)
    assert judged(outcome, attempt=3).state == alone, "without the unanswered call"


def test_what_went_unanswered_is_tried_again_as_long_as_it_can_be():
    verdict = judged(Retry(Reason.CONNECTION), unanswered=True)
    assert verdict.state == DeliveryState.RETRYING


@pytest.mark.parametrize("reason", [r for r, fault in FAULT.items() if fault is Fault.OURS])
def test_what_is_our_fault_is_a_dead_letter_and_tried_again_where_another_was_asked(reason):
    verdict = judged(Refused(reason))
    assert (verdict.state, verdict.reason) == (DeliveryState.DEAD, reason)
    assert judged(Refused(reason), alone=False).state == DeliveryState.RETRYING


@pytest.mark.parametrize("reason", [r for r, fault in FAULT.items() if fault is not Fault.OURS])
def test_what_is_not_our_fault_is_refused_for_good(reason):
    assert judged(Refused(reason)).state == DeliveryState.FAILED
