"""Contradictions between the preferences of one request."""

from collections.abc import Sequence

from rest_framework import serializers

from apps.preferences.api.shapes import PostedPreference


class ConsistentPreferences(serializers.ListSerializer[None]):
    """Preferences of which no two contradict each other.

    Two that do are an error, since one of them may be a refusal. The same preference twice counts
    as one.
    """

    def validate(self, preferences: Sequence[PostedPreference]) -> Sequence[PostedPreference]:
        first: dict[tuple[str, str, str], int] = {}
        against: dict[int, int] = {}
        for position, preference in enumerate(preferences):
            scope = (preference["channel"], preference["topic"], preference["category"])
            earlier = first.setdefault(scope, position)
            if preference["allowed"] is not preferences[earlier]["allowed"]:
                against[position] = earlier
                against.setdefault(earlier, position)
        if against:
            raise serializers.ValidationError(
                [_contradicted(against.get(position)) for position in range(len(preferences))]
            )
        return preferences


def _contradicted(other: int | None) -> dict[str, list[str]]:
    """Return the errors of one preference; ``other`` is the position of one that contradicts it."""
    if other is None:
        return {}
    said = f"Preference {other} (counted from 0) contradicts this one. Send only one of the two."
    return {"allowed": [said]}
