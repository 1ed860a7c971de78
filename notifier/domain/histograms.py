"""Histograms of durations: how many fell into each of 24 fixed buckets.

A bucket ends at about 1.6 times the end of the one before, so a quantile is known within that
factor, whatever the durations are. Histograms of any minutes and processes add up.
"""

from bisect import bisect_left
from collections.abc import Sequence

#: The longest duration of each bucket, in milliseconds; the last bucket has all that are longer.
BOUNDS = (
    *(1, 2, 3, 4, 6, 10, 16, 25, 40, 63, 100, 160, 250, 400, 630),
    *(1_000, 1_600, 2_500, 4_000, 6_300, 10_000, 16_000, 25_000),
)
BUCKETS = len(BOUNDS) + 1


def bucket(milliseconds: float) -> int:
    """Return the index of the bucket of a duration."""
    return bisect_left(BOUNDS, milliseconds)


def quantile(histogram: Sequence[int], share: float) -> float | None:
    """Return the duration, in milliseconds, that this share of a histogram does not exceed.

    Evenly spread within a bucket; the end of the last bound where it is longer. ``None`` for an
    empty histogram.
    """
    wanted = share * sum(histogram)
    if not wanted:
        return None
    low = 0.0
    for number, bound in zip(histogram, BOUNDS, strict=False):
        if number and wanted <= number:
            return low + (bound - low) * wanted / number
        wanted -= number
        low = float(bound)
    return low


def total(histograms: Sequence[Sequence[int]]) -> list[int]:
    """Add up histograms, bucket by bucket."""
    return [sum(column) for column in zip(*histograms, strict=True)] or [0] * BUCKETS
