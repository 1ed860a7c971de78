"""The audit trail of one publisher's objects."""

from django.db.models import Q
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from apps.api.pagination import PageQuery, read_query
from apps.publishers.api.caller import publisher_of
from apps.publishers.api.endpoint import ListEndpoint
from apps.publishers.models import AuditEvent
from apps.publishers.scopes import Scope


class EventOut(serializers.ModelSerializer[AuditEvent]):
    """An event of the audit trail."""

    actor = serializers.CharField(
        help_text="the key's prefix, the operator's user name, or the command"
    )
    before = serializers.DictField(allow_null=True, help_text="the changed fields' values before")
    after = serializers.DictField(allow_null=True, help_text="the changed fields' values after")

    class Meta:
        model = AuditEvent
        fields = (
            "at",
            "actor_kind",
            "actor",
            "remote_address",
            "action",
            "object_type",
            "object_name",
            "before",
            "after",
        )


class EventsQuery(PageQuery):
    """Filters of the audit trail."""

    object_type = serializers.CharField(max_length=40, required=False, help_text="such as topic")
    object_name = serializers.CharField(max_length=200, required=False, help_text="such as news")
    since = serializers.DateTimeField(required=False, help_text="only events at or after this time")


class AuditTrail(ListEndpoint):
    """The audit trail."""

    required_scopes = {"GET": Scope.AUDIT_READ}
    ordering = "-id"

    @extend_schema(
        operation_id="list_audit_events",
        tags=["Audit"],
        parameters=[EventsQuery],
        responses=EventOut(many=True),
    )
    def get(self, request: Request) -> Response:
        """List changes of your objects, made by you or by operators, newest first."""
        query = read_query(request, EventsQuery)
        fields = {"object_type": "object_type", "object_name": "object_name", "since": "at__gte"}
        sought = Q(**{field: query[name] for name, field in fields.items() if name in query})
        rows = AuditEvent.objects.filter(publisher=publisher_of(request).id)
        return self.paginate(request, rows, EventOut, query=query, sought=sought)
