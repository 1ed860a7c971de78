"""Groups: named sets of recipients."""

from collections.abc import Mapping

from django.db import transaction
from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from apps.api.pagination import PageQuery
from apps.api.serializers import PathNameField
from apps.preferences import groups, selectors
from apps.preferences.api import group_serializers as serializers
from apps.preferences.models import Group
from apps.publishers import audit
from apps.publishers.api.caller import publisher_of
from apps.publishers.api.endpoint import Endpoint, ListEndpoint
from apps.publishers.scopes import Scope

TAG = "Groups"
READ, WRITE = Scope.GROUPS_READ, Scope.GROUPS_WRITE

_TWO = OpenApiExample("two people", {"user_ids": ["ada", "bob"]}, request_only=True)


class GroupList(ListEndpoint):
    """The publisher's groups."""

    required_scopes = {"GET": READ}

    @extend_schema(
        operation_id="list_groups",
        tags=[TAG],
        parameters=[PageQuery],
        responses=serializers.GroupOut(many=True),
    )
    def get(self, request: Request) -> Response:
        """List your groups, oldest first."""
        rows = selectors.groups(publisher_of(request).id)
        return self.paginate(request, rows, serializers.GroupOut)


class GroupDetail(Endpoint):
    """One group."""

    required_scopes = {"GET": READ, "PUT": WRITE, "DELETE": WRITE}

    @extend_schema(operation_id="read_group", tags=[TAG], responses=serializers.GroupOut)
    def get(self, request: Request, name: str) -> Response:
        """Read a group of yours."""
        return Response(_group(selectors.get_group(name, publisher_of(request).id)))

    @extend_schema(
        operation_id="put_group",
        tags=[TAG],
        request=serializers.GroupIn,
        responses={200: serializers.GroupOut, 201: serializers.GroupOut},
        examples=[OpenApiExample("a group", {"display_name": "On call"}, request_only=True)],
    )
    def put(self, request: Request, name: str) -> Response:
        """Create a group, or change its display name.

        Names belong to one publisher: another publisher's group of the same name is another group.
        201 when created, 200 when changed.
        """
        display_name = self.body(request, serializers.GroupIn)["display_name"]
        PathNameField().run_validation(name)
        with transaction.atomic():
            before = selectors.groups(publisher_of(request).id).filter(name=name).first()
            group, created = groups.put_group(publisher_of(request).id, name, display_name)
            if created:
                audit.record(request, "create", "group", name, after=_audited(group))
            elif before is not None and before.display_name != group.display_name:
                audit.record(
                    request,
                    "update",
                    "group",
                    name,
                    before=_audited(before),
                    after=_audited(group),
                )
        return Response(_group(group), status=201 if created else 200)

    @extend_schema(operation_id="delete_group", tags=[TAG], responses={204: None})
    def delete(self, request: Request, name: str) -> Response:
        """Delete a group of yours. Its members stay recipients.

        Notifications to it that are not yet fanned out into deliveries reach nobody any more.
        """
        with transaction.atomic():
            group = selectors.get_group(name, publisher_of(request).id, lock=True)
            audit.record(request, "delete", "group", name, before=_audited(group))
            group.delete()
        return Response(status=204)


class MemberList(ListEndpoint):
    """The members of a group."""

    required_scopes = {"GET": READ, "POST": WRITE}

    @extend_schema(
        operation_id="list_members",
        tags=[TAG],
        parameters=[PageQuery],
        responses=serializers.MemberOut(many=True),
    )
    def get(self, request: Request, name: str) -> Response:
        """List a group's members in the order they joined."""
        group = selectors.get_group(name, publisher_of(request).id)
        return self.paginate(request, selectors.members(group.pk), serializers.MemberOut)

    @extend_schema(
        operation_id="add_members",
        tags=[TAG],
        request=serializers.MembersIn,
        responses=serializers.MembersAddedOut,
        examples=[_TWO],
    )
    def post(self, request: Request, name: str) -> Response:
        """Add up to 1,000 recipients. Those who are in the group already stay in it.

        `unknown` lists the ids that are no recipients; the others are added all the same.
        """
        user_ids = self.body(request, serializers.MembersIn)["user_ids"]
        with transaction.atomic():
            group = selectors.get_group(name, publisher_of(request).id, lock=True)
            done = groups.add_members(group.pk, user_ids)
            if done.added:
                audit.record(request, "add_members", "group", name, after={"added": done.added})
        return Response(done._asdict())


class MemberRemoval(Endpoint):
    """Removing members from a group."""

    required_scopes = {"POST": WRITE}

    @extend_schema(
        operation_id="remove_members",
        tags=[TAG],
        request=serializers.MembersIn,
        responses=serializers.MembersRemovedOut,
        examples=[_TWO],
    )
    def post(self, request: Request, name: str) -> Response:
        """Remove up to 1,000 recipients from a group. Those who are not in it are no error."""
        user_ids = self.body(request, serializers.MembersIn)["user_ids"]
        with transaction.atomic():
            group = selectors.get_group(name, publisher_of(request).id, lock=True)
            done = groups.remove_members(group.pk, user_ids)
            if done.removed:
                after = {"removed": done.removed}
                audit.record(request, "remove_members", "group", name, after=after)
        return Response(done._asdict())


def _group(group: Group) -> Mapping[str, object]:
    return serializers.GroupOut(group).data


def _audited(group: Group) -> dict[str, str]:
    return {"display_name": group.display_name}
