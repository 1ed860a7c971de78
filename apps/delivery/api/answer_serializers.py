"""Serializers of what people do with notifications."""

from collections.abc import Mapping

from drf_spectacular.utils import extend_schema_serializer
from rest_framework import serializers


@extend_schema_serializer(component_name="Acknowledged")
class AcknowledgedOut(serializers.Serializer[Mapping[str, object]]):
    """A notification that somebody has acknowledged."""

    id = serializers.UUIDField()
    acknowledged_at = serializers.DateTimeField(help_text="when you first acknowledged it")
