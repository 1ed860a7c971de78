"""Serializer fields of ``reference`` and ``metadata``, which lead back to a notification."""

from collections.abc import Mapping
from typing import Any

import orjson
from rest_framework import serializers

from apps.api.serializers import NameField
from notifier.domain.characters import all_visible

REFERENCE_LENGTH = 255
MOST_NAMES = 20
NAME_LENGTH = 40
TEXT_LENGTH = 500
#: Bytes of metadata as JSON: an event of a status webhook has to carry them.
METADATA_LIMIT = 8 * 1024


class ReferenceField(NameField):
    """The publisher's own id of a notification, compared byte by byte."""

    def __init__(self, **options: Any) -> None:
        super().__init__(max_length=REFERENCE_LENGTH, required=False, **options)


class MetadataField(serializers.DictField):
    """Texts by name, which the API shows and nobody is sent."""

    def __init__(self, **options: Any) -> None:
        child = serializers.CharField(max_length=TEXT_LENGTH, allow_blank=True)
        options.setdefault("default", dict)
        super().__init__(child=child, required=False, **options)

    def to_internal_value(self, data: Any) -> dict[str, str]:
        if isinstance(data, Mapping) and len(data) > MOST_NAMES:
            raise serializers.ValidationError(f"Give at most {MOST_NAMES}; there are {len(data)}.")
        found: dict[str, str] = super().to_internal_value(data)
        for name in found:
            if not 1 <= len(name) <= NAME_LENGTH or not all_visible(name):
                raise serializers.ValidationError(
                    f"A name has 1 to {NAME_LENGTH} printable characters, and no spaces at its "
                    "beginning or end."
                )
        size = len(orjson.dumps(found))
        if size > METADATA_LIMIT:
            raise serializers.ValidationError(
                f"The metadata have {size:,} bytes, and at most {METADATA_LIMIT:,} are allowed."
            )
        return found
