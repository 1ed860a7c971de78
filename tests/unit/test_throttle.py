"""A provider account's quota, as one process reckons with it."""

import pytest

from notifier.priorities import Priority
from notifier.throttle import Bucket, Quota

TEN = Quota(per_second=10)
NOW = 1_000.0


def take(bucket, wanted, priority=Priority.LOW, now=NOW, line=""):
    return bucket.take(TEN, wanted, TEN.left_over(priority), line or priority, now)


def test_a_full_bucket_gives_a_second_of_messages_and_then_so_many_a_second():
    bucket = Bucket()
    assert take(bucket, 100, Priority.HIGH).granted == 10
    assert take(bucket, 100, Priority.HIGH).granted == 0
    given = [take(bucket, 100, Priority.HIGH, NOW + n / 5).granted for n in range(1, 51)]
    assert sum(given) == 100


def test_lower_priorities_leave_a_part_to_those_above_them():
    bucket = Bucket()
    assert take(bucket, 100, Priority.LOW).granted == 7
    assert take(bucket, 100, Priority.NORMAL).granted == 1
    assert take(bucket, 100, Priority.HIGH).granted == 2
    # While low priority takes whatever it may, high priority finds its part at any time.
    for n in range(1, 20):
        take(bucket, 100, Priority.LOW, NOW + n)
        assert take(bucket, 2, Priority.HIGH, NOW + n).granted == 2


def test_what_waits_is_told_a_turn_behind_those_that_wait_already():
    bucket = Bucket()
    first = take(bucket, 57)  # 7 go, 50 wait for five seconds
    second = take(bucket, 20)
    third = take(bucket, 20, now=NOW + 1)
    assert first.wait == pytest.approx(0.1)
    assert second.wait == pytest.approx(5.1)
    assert third.wait == pytest.approx(6.1)
    assert take(bucket, 1, Priority.HIGH).granted == 1, "another priority has a line of its own"


def test_a_clock_that_goes_back_makes_no_tokens():
    bucket = Bucket()
    take(bucket, 100, Priority.HIGH)
    assert take(bucket, 100, Priority.HIGH, NOW - 600).granted == 0


def test_a_quota_of_few_messages_lets_low_priority_through():
    bucket, quota = Bucket(), Quota(per_second=0.5)
    granted = [
        bucket.take(quota, 5, quota.left_over(Priority.LOW), "low", NOW + n).granted
        for n in range(0, 100, 2)
    ]
    assert sum(granted) == pytest.approx(50, abs=5)


def test_calls_at_once_are_shared_by_those_who_send():
    quota = Quota(concurrent=20)
    assert [quota.share(processes) for processes in (0, 1, 3, 40)] == [20, 20, 6, 1]
