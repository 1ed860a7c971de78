"""Request and response bodies of the endpoints for API keys."""

from datetime import datetime
from typing import Any

from drf_spectacular.utils import extend_schema_serializer
from rest_framework import serializers

from apps.api.serializers import Choice, QueryParameters, StrictSerializer
from apps.core import clock
from apps.publishers.models import ApiKey
from apps.publishers.scopes import RENAMED, Scope, no_such_scope

MAX_GRACE_SECONDS = 30 * 86400


class ScopeField(Choice):
    """The name of a scope. The error for a renamed one says its present name."""

    def __init__(self, **options: Any) -> None:
        super().__init__([scope.value for scope in Scope], **options)

    def to_internal_value(self, data: Any) -> Any:
        if isinstance(data, str) and data in RENAMED:
            raise serializers.ValidationError(no_such_scope(data))
        return super().to_internal_value(data)


@extend_schema_serializer(component_name="NewKey")
class KeyIn(StrictSerializer):
    """A new API key of the publisher that makes the request."""

    name = serializers.CharField(max_length=100, required=False, default="", allow_blank=True)
    scopes = serializers.ListField(
        child=ScopeField(),
        allow_empty=False,
        max_length=len(Scope),
        help_text="some or all of the scopes of the key that makes the request",
    )
    expires_at = serializers.DateTimeField(required=False, allow_null=True, default=None)

    def validate_expires_at(self, value: datetime | None) -> datetime | None:
        if value is not None and value <= clock.moment():
            raise serializers.ValidationError("Give a time in the future.")
        return value


@extend_schema_serializer(component_name="Rotation")
class RotationIn(StrictSerializer):
    """The rotation of an API key."""

    grace_seconds = serializers.IntegerField(
        required=False,
        default=86400,
        min_value=0,
        max_value=MAX_GRACE_SECONDS,
        help_text="how much longer the old key works",
    )


class RevocationQuery(QueryParameters):
    """Query parameters of a revocation."""

    family = serializers.BooleanField(
        required=False,
        default=False,
        help_text="also revoke the keys that it replaced or that replaced it by rotation, and the "
        "keys that those made",
    )


@extend_schema_serializer(component_name="KeyRow")
class KeyOut(serializers.Serializer[ApiKey]):
    """An API key without its secret."""

    prefix = serializers.CharField()
    name = serializers.CharField()
    scopes = serializers.ListField(child=serializers.CharField())
    created_at = serializers.DateTimeField()
    expires_at = serializers.DateTimeField(allow_null=True)
    revoked_at = serializers.DateTimeField(allow_null=True)
    last_used_at = serializers.DateTimeField(allow_null=True, help_text="to the minute")
    made_by = serializers.CharField(
        help_text="the prefix of the key that made it, `jwt:` and a publisher's name for a token, "
        "or the operators' command; empty if unknown"
    )


@extend_schema_serializer(component_name="KeyMade")
class KeyMadeOut(KeyOut):
    """A new API key with its secret."""

    key = serializers.CharField(help_text="the key itself; it is not shown again")
