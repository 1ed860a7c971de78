import random

import pytest

from notifier.domain.backoff import LONGEST_RETRY_AFTER, RetryPolicy
from notifier.domain.outcomes import Reason, Retry

POLICY = RetryPolicy((2.0, 10.0, 60.0))
FAILED = Retry(Reason.PROVIDER_ERROR)


def waits(attempt, outcome=FAILED, policy=POLICY, tries=200):
    rng = random.Random(1)
    return [policy.wait(attempt, outcome, rng) for _ in range(tries)]


def test_waits_follow_the_schedule_within_the_jitter():
    for attempt, planned in enumerate(POLICY.schedule, start=1):
        found = waits(attempt)
        assert planned * 0.8 <= min(found) < planned * 0.85
        assert planned * 1.15 < max(found) <= planned * 1.2


def test_what_failed_together_does_not_return_together():
    assert len(set(waits(3))) > 190


def test_after_the_last_attempt_there_is_no_next():
    assert POLICY.attempts == 4
    assert POLICY.wait(4, FAILED, random.Random(1)) is None


def test_retry_after_is_a_floor_that_is_never_undercut():
    found = waits(1, Retry(Reason.RATE_LIMITED, after=30))
    assert 30 <= min(found) < 31 and 35 < max(found) <= 36


def test_a_short_retry_after_does_not_shorten_the_schedule():
    assert min(waits(3, Retry(Reason.RATE_LIMITED, after=1))) >= 48


def test_an_absurd_retry_after_is_cut_to_six_hours():
    found = waits(1, Retry(Reason.RATE_LIMITED, after=10**9))
    assert 6 * 3600 == LONGEST_RETRY_AFTER <= min(found) < max(found) <= LONGEST_RETRY_AFTER * 1.2


@pytest.mark.parametrize("after", [None, -5, 0, 0.4])
def test_whatever_is_asked_for_the_next_attempt_is_half_a_second_away(after):
    asked = Retry(Reason.RATE_LIMITED, after=after)
    assert set(waits(1, asked, RetryPolicy((0.0,)))) == {0.5}


def test_the_last_wait_repeats_until_the_attempts_are_used_up():
    assert RetryPolicy.repeating([1, 5, 9], 6).schedule == (1, 5, 9, 9, 9)
    assert RetryPolicy.repeating([1, 5], 2).schedule == (1,)
    assert RetryPolicy.repeating([1, 5], 1).schedule == ()
    assert RetryPolicy.repeating([1, 5]).attempts == 3
