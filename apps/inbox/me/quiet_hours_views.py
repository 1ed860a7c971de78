"""A person's own quiet hours."""

from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from apps.inbox.authentication import registered
from apps.inbox.views import InboxEndpoint
from apps.preferences.api.choices import quiet_hours_serializers as serializers
from apps.preferences.api.choices.quiet_hours_views import replace

TAG = "Inbox"


class MyQuietHours(InboxEndpoint):
    """The quiet hours of the person whose token it is."""

    @extend_schema(
        operation_id="read_my_quiet_hours", tags=[TAG], responses=serializers.QuietHoursOut
    )
    def get(self, request: Request) -> Response:
        """Read your quiet hours, and whether it is quiet now."""
        return Response(serializers.shown(registered(request)))

    @extend_schema(
        operation_id="replace_my_quiet_hours",
        tags=[TAG],
        request=serializers.QuietHoursIn,
        responses=serializers.QuietHoursOut,
        examples=[OpenApiExample("nights", serializers.EXAMPLE, request_only=True)],
    )
    def put(self, request: Request) -> Response:
        """Choose quiet hours of your own, in place of the company's.

        What may wait is sent when they end. An empty list of windows is none at all.
        """
        schedule = self.body(request, serializers.QuietHoursIn)["schedule"]
        return Response(replace(request, registered(request), schedule))

    @extend_schema(operation_id="remove_my_quiet_hours", tags=[TAG], responses={204: None})
    def delete(self, request: Request) -> Response:
        """Remove your own quiet hours: the company's apply."""
        replace(request, registered(request), None)
        return Response(status=204)
