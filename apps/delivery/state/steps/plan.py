"""The plan of a fallback: its steps, as a notification stores them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

#: Most steps of one fallback.
MOST = 5


class Unless(StrEnum):
    """A condition that keeps a step from being sent to somebody. Each includes those behind it."""

    DELIVERED = "delivered"  # another channel has reached them
    READ = "read"  # they have read it, wherever
    ACKNOWLEDGED = "acknowledged"  # they have acknowledged it


@dataclass(frozen=True, slots=True)
class Step:
    """One step of a fallback.

    ``number``: from 1; 0 stands for the channels before the first step. ``after``: seconds after
    the step before it, and ``due``: after the first channels. ``group_id``: the group whose members
    get it; ``None`` for the people of the notification. A step for a group is judged once for all
    of its members, by what anybody did with the notification.
    """

    number: int
    channel: str
    after: int
    due: int
    unless: str
    group_id: int | None = None


def stored(steps: Sequence[Step]) -> list[dict[str, Any]] | None:
    """Return steps as the notification's column has them; ``None`` for none."""
    found = [
        {
            "channel": one.channel,
            "after": one.after,
            "due": one.due,
            "unless": str(one.unless),
        }
        | ({} if one.group_id is None else {"group_id": one.group_id})
        for one in steps
    ]
    return found or None


def of(column: Sequence[Mapping[str, Any]] | None) -> tuple[Step, ...]:
    """Return the steps of a notification's column."""
    return tuple(
        Step(number, one["channel"], one["after"], one["due"], one["unless"], one.get("group_id"))
        for number, one in enumerate(column or (), 1)
    )


def shared(steps: Sequence[Step]) -> bool:
    """Return whether one acknowledgement ends all steps for everybody: one is for a group."""
    return any(one.group_id is not None for one in steps)
