"""Quiet hours of a recipient."""

from django.db import transaction
from django.http import HttpRequest
from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from apps.preferences import selectors
from apps.preferences.api.choices import quiet_hours_serializers as serializers
from apps.preferences.models import Recipient
from apps.preferences.quiet_hours import services
from apps.publishers import audit
from apps.publishers.api.endpoint import Endpoint
from apps.publishers.scopes import Scope
from notifier.domain.times.quiet_hours import Schedule

TAG = "Recipients"
READ, WRITE = Scope.DIRECTORY_READ, Scope.DIRECTORY_WRITE


class RecipientQuietHours(Endpoint):
    """A recipient's quiet hours: their own, or the company's."""

    required_scopes = {"GET": READ, "PUT": WRITE, "DELETE": WRITE}

    @extend_schema(operation_id="read_quiet_hours", tags=[TAG], responses=serializers.QuietHoursOut)
    def get(self, request: Request, user_id: str) -> Response:
        """Read the quiet hours that apply to a recipient, and whether it is quiet now."""
        return Response(serializers.shown(selectors.get_recipient(user_id)))

    @extend_schema(
        operation_id="replace_quiet_hours",
        tags=[TAG],
        request=serializers.QuietHoursIn,
        responses=serializers.QuietHoursOut,
        examples=[OpenApiExample("nights", serializers.EXAMPLE, request_only=True)],
    )
    def put(self, request: Request, user_id: str) -> Response:
        """Give a recipient quiet hours of their own.

        What may wait is sent when they end; high priority and critical categories go through. An
        empty list of windows is none at all, whatever the company's are.
        """
        schedule = self.body(request, serializers.QuietHoursIn)["schedule"]
        return Response(replace(request, selectors.get_recipient(user_id), schedule))

    @extend_schema(operation_id="remove_quiet_hours", tags=[TAG], responses={204: None})
    def delete(self, request: Request, user_id: str) -> Response:
        """Remove a recipient's own quiet hours: the company's apply."""
        replace(request, selectors.get_recipient(user_id), None)
        return Response(status=204)


def replace(
    request: Request | HttpRequest, person: Recipient, schedule: Schedule | None
) -> dict[str, object]:
    """Give a person these quiet hours, or the company's; return what shows them then."""
    with transaction.atomic():
        person = Recipient.objects.select_for_update(no_key=True).get(pk=person.pk)
        before, after = person.quiet_hours, None if schedule is None else schedule.as_json()
        if before != after:
            services.replace(person.pk, schedule)
            audit.record(
                request,
                "replace",
                "quiet_hours",
                person.user_id,
                before={"quiet_hours": before},
                after={"quiet_hours": after},
            )
    person.quiet_hours = after
    return serializers.shown(person)
