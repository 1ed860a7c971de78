"""Isolation: process many items at once without letting a bad one fail the others."""

from collections.abc import Callable, Sequence
from typing import TypeVar

T = TypeVar("T")


def isolate(
    items: Sequence[T],
    act: Callable[[Sequence[T]], object],
    whole: tuple[type[Exception], ...] = (),
) -> list[tuple[T, Exception]]:
    """Call ``act`` with all ``items``, and where that fails with halves of them, and so on.

    Returns the items with which it fails alone, each with its error. For a thousand items with one
    bad one that takes some twenty calls. ``act`` must do all or nothing; it is not called without
    items. ``whole``: errors that no item is to blame for; they are raised.
    """
    if not items:
        return []
    try:
        act(items)
    except whole:
        raise
    except Exception as error:  # of any kind: the other items are not to blame
        if len(items) == 1:
            return [(items[0], error)]
        middle = len(items) // 2
        return isolate(items[:middle], act, whole) + isolate(items[middle:], act, whole)
    return []
