"""Request and response bodies of the endpoints for groups."""

from collections.abc import Mapping

from drf_spectacular.utils import extend_schema_serializer
from rest_framework import serializers

from apps.api.serializers import StrictSerializer
from apps.preferences.api.fields import MAX_BULK, UserIdField
from apps.preferences.models import Group, Membership


class GroupIn(StrictSerializer):
    """A group to create or change. What is left out stays as it is."""

    display_name = serializers.CharField(
        max_length=200, required=False, default=None, allow_null=True, allow_blank=True
    )


class GroupOut(serializers.Serializer[Group]):
    """A group."""

    name = serializers.CharField()
    display_name = serializers.CharField()
    created_at = serializers.DateTimeField()
    updated_at = serializers.DateTimeField()


class MembersIn(StrictSerializer):
    """Recipients to add or remove."""

    user_ids = serializers.ListField(child=UserIdField(), allow_empty=False, max_length=MAX_BULK)

    def validate_user_ids(self, user_ids: list[str]) -> list[str]:
        return list(dict.fromkeys(user_ids))


@extend_schema_serializer(component_name="MemberRow")
class MemberOut(serializers.Serializer[Membership]):
    """A member of a group."""

    user_id = serializers.CharField(source="recipient.user_id")
    added_at = serializers.DateTimeField(source="created_at")


@extend_schema_serializer(component_name="MembersAdded")
class MembersAddedOut(serializers.Serializer[Mapping[str, object]]):
    """Numbers of people added and already in the group, and the ids that are unknown."""

    added = serializers.IntegerField()
    already = serializers.IntegerField()
    unknown = serializers.ListField(child=serializers.CharField())


@extend_schema_serializer(component_name="MembersRemoved")
class MembersRemovedOut(serializers.Serializer[Mapping[str, object]]):
    """Number of people removed, and the ids that are unknown."""

    removed = serializers.IntegerField()
    unknown = serializers.ListField(child=serializers.CharField())
