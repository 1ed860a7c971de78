"""Histograms of durations: their buckets, their sum and their quantiles."""

import random
from itertools import pairwise

import pytest

from notifier.domain.histograms import BOUNDS, BUCKETS, bucket, quantile, total


def histogram(durations: list[float]) -> list[int]:
    found = [0] * BUCKETS
    for one in durations:
        found[bucket(one)] += 1
    return found


def test_a_bucket_has_what_is_no_longer_than_its_bound():
    for place, bound in enumerate(BOUNDS):
        assert bucket(bound) == place
        assert bucket(bound + 0.001) == place + 1
    assert bucket(0) == 0
    assert bucket(10**9) == BUCKETS - 1


def test_buckets_are_those_of_the_rows_that_are_stored():
    assert BOUNDS == (
        *(1, 2, 3, 4, 6, 10, 16, 25, 40, 63, 100, 160, 250, 400, 630, 1000, 1600, 2500, 4000),
        *(6300, 10000, 16000, 25000),
    )
    assert BUCKETS == 24
    assert all(low * 1.5 <= high <= low * 1.7 for low, high in pairwise(BOUNDS[4:]))


@pytest.mark.parametrize("share", [0.5, 0.95, 0.99])
def test_a_quantile_is_in_the_bucket_of_the_true_one(share: float):
    rng = random.Random(5)
    for _ in range(200):
        durations = sorted(rng.lognormvariate(4, 1.5) for _ in range(rng.randrange(1, 400)))
        true = durations[max(0, -int(-share * len(durations) // 1) - 1)]
        found = quantile(histogram(durations), share)
        assert found is not None
        place = bucket(true)
        low = BOUNDS[place - 1] if place else 0
        assert low <= found <= BOUNDS[min(place, len(BOUNDS) - 1)], (share, durations)


def test_nothing_has_no_quantile():
    assert quantile([0] * BUCKETS, 0.5) is None
    assert quantile([], 0.5) is None
    assert quantile(total([]), 0.99) is None


def test_what_is_longer_than_the_last_bound_is_said_to_be_as_long():
    assert quantile(histogram([60_000, 3_600_000]), 0.5) == BOUNDS[-1]


def test_histograms_add_up():
    first, second = [1.0, 30, 30, 9000], [2.0, 30, 70_000]
    assert total([histogram(first), histogram(second)]) == histogram(first + second)
