"""What one call says about preferences agrees with itself."""

from collections.abc import Mapping, Sequence
from typing import Any

from rest_framework import serializers


class ConsistentPreferences(serializers.ListSerializer):
    """Preferences of which none says otherwise about the same thing than another.

    Which one is meant cannot be told, and a refusal may be among them. The same preference twice
    is one.
    """

    def validate(self, wishes: Sequence[Mapping[str, Any]]) -> Sequence[Mapping[str, Any]]:
        first: dict[tuple[str, str, str], int] = {}
        against: dict[int, int] = {}
        for position, wish in enumerate(wishes):
            about = (wish["channel"], wish["topic"], wish["category"])
            earlier = first.setdefault(about, position)
            if wish["allowed"] is not wishes[earlier]["allowed"]:
                against[position] = earlier
                against.setdefault(earlier, position)
        if against:
            raise serializers.ValidationError(
                [_contradicted(against.get(position)) for position in range(len(wishes))]
            )
        return wishes


def _contradicted(other: int | None) -> dict[str, list[str]]:
    """The errors of one preference; ``other``: the position of the one against it, if any is."""
    if other is None:
        return {}
    said = f"Preference {other} (from 0) says otherwise about the same thing. Send one of the two."
    return {"allowed": [said]}
