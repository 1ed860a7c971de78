"""What every serializer of this service has in common."""

from collections.abc import Mapping
from typing import Any

from rest_framework import serializers

from apps.publishers.problems import UNKNOWN_FIELD


class StrictSerializer(serializers.Serializer):
    """A serializer to which a field it does not know is an error that names it."""

    def to_internal_value(self, data: Any) -> Any:
        unknown: dict[str, list[str]] = {}
        if isinstance(data, Mapping):
            known = self._writable_names()
            unknown = {
                str(name): [f"There is no such field. Known are: {', '.join(known)}."]
                for name in data
                if name not in known
            }
        errors = (
            serializers.ValidationError(unknown, code=UNKNOWN_FIELD).detail if unknown else {}
        )
        try:
            value = super().to_internal_value(data)
        except serializers.ValidationError as error:
            if not unknown:
                raise
            raise serializers.ValidationError({**error.detail, **errors}) from None
        if unknown:
            raise serializers.ValidationError(errors)
        return value

    def _writable_names(self) -> list[str]:
        return [name for name, field in self.fields.items() if not field.read_only]
