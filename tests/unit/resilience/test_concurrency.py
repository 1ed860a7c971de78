"""The limit of calls in flight, which follows their duration and their failures."""

import pytest

from notifier.resilience.concurrency import Concurrency

NOW = 1_000.0


def rounds(limit: Concurrency, number: int, seconds: float, failed: float = 0.0) -> int:
    """Make so many rounds of as many calls as may be under way."""
    for _ in range(number):
        calls = limit.limit
        for n in range(max(calls, 20)):
            limit.ended(seconds, n < failed * calls, calls, NOW)
    return limit.limit


def warm(most: int) -> Concurrency:
    """A limit at its highest."""
    limit = Concurrency(most)
    assert rounds(limit, 6, 0.1) == most
    return limit


def test_it_starts_with_a_few_and_doubles_up_to_what_is_set():
    limit = Concurrency(1000)
    assert [rounds(limit, 1, 0.1) for _ in range(6)] == [64, 128, 256, 512, 1000, 1000]


def test_after_a_rest_it_starts_again():
    limit = warm(500)
    assert not limit.begins(NOW + 59)
    assert limit.limit == 500
    assert limit.begins(NOW + 61)
    assert limit.limit == 32
    assert not limit.begins(NOW + 62)


def test_it_doubles_no_more_once_calls_take_longer_or_fail():
    limit = Concurrency(1000)
    rounds(limit, 1, 0.1)
    assert rounds(limit, 1, 0.4) < 64
    assert rounds(limit, 1, 0.1) < 64
    limit = Concurrency(1000)
    assert rounds(limit, 1, 0.1, failed=0.5) == 28


def test_at_the_usual_latency_as_many_as_are_set():
    assert rounds(warm(500), 20, 0.1) == 500


def test_it_falls_while_calls_take_longer_and_rises_again_when_they_do_not():
    limit = warm(500)
    slow = rounds(limit, 8, 0.4)
    assert slow < 250
    assert rounds(limit, 16, 0.1) == 500, "soon after it is as fast as before"


def test_a_little_more_latency_is_nothing():
    limit = warm(500)
    assert rounds(limit, 10, 0.14) == 500


def test_a_provider_that_stays_slow_is_used_as_much_as_before_after_a_while():
    limit = warm(500)
    assert rounds(limit, 5, 0.3) < 400
    assert rounds(limit, 100, 0.3) == 500


def test_failures_lower_it_by_a_tenth_each_round_and_never_to_nothing():
    limit = warm(100)
    assert rounds(limit, 1, 0.1, failed=0.5) == 90
    assert rounds(limit, 100, 0.1, failed=1.0) == 16
    assert rounds(limit, 20, 0.1) == 100


def test_a_few_failures_are_nothing():
    assert rounds(warm(100), 20, 0.1, failed=0.05) == 100


def test_it_does_not_rise_for_calls_that_would_not_have_needed_it():
    limit = Concurrency(100)
    rounds(limit, 30, 0.1, failed=1.0)
    low = limit.limit
    for _ in range(1000):
        limit.ended(0.1, False, 1, NOW)
    assert limit.limit == low


@pytest.mark.parametrize("most", [1, 3])
def test_few_calls_are_never_fewer_than_they_were_set(most):
    limit = Concurrency(most)
    rounds(limit, 50, 0.1, failed=1.0)
    assert limit.limit == most
