"""What became of the steps of a notification's fallback, for publishers and operators."""

from collections.abc import Mapping, Sequence
from typing import Any

from apps.delivery.state.steps import plan
from apps.preferences.models import Group


def as_posted(column: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return a notification's steps as its publisher may post them again.

    A group that was deleted since has no name any more.
    """
    steps = plan.of(column)
    names = dict(
        Group.objects.filter(pk__in=[one.group_id for one in steps if one.group_id]).values_list(
            "pk", "name"
        )
    )
    found: dict[str, Any] = {}
    for one in reversed(steps):
        rest = {"then": found} if found else {}
        group = {} if one.group_id is None else {"group": names.get(one.group_id, "")}
        found = {
            "channel": one.channel,
            "after_seconds": one.after,
            "unless": str(one.unless),
            **group,
            **rest,
        }
    return found
