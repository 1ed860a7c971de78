"""Doing something with many at once, where one that is odd must not cost the others."""

from collections.abc import Callable, Sequence
from typing import TypeVar

T = TypeVar("T")


def isolate(
    items: Sequence[T],
    act: Callable[[Sequence[T]], object],
    whole: tuple[type[Exception], ...] = (),
) -> list[tuple[T, Exception]]:
    """Do ``act`` with all ``items`` at once, or where that fails with halves of them, and so on.

    Returns those that it fails with alone, each with its error: of a thousand items with an odd
    one among them that takes some twenty calls. ``act`` does all or nothing, and is not called
    for no items. ``whole``: errors that no item is to blame for; they are raised.
    """
    if not items:
        return []
    try:
        act(items)
    except whole:
        raise
    except Exception as error:  # whatever it is: the others are not to blame
        if len(items) == 1:
            return [(items[0], error)]
        middle = len(items) // 2
        return isolate(items[:middle], act, whole) + isolate(items[middle:], act, whole)
    return []
