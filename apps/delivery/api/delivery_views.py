"""Endpoints of deliveries: those to one person."""

from django.db.models import Q
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from apps.api.pagination import read_query
from apps.delivery.api import presenters
from apps.delivery.api.notification_serializers import PersonDeliveriesQuery, PersonDeliveryOut
from apps.delivery.api.notification_views import NOTIFICATIONS
from apps.delivery.operations import finding
from apps.preferences.selectors import get_recipient
from apps.publishers.api.caller import publisher_of
from apps.publishers.api.endpoint import ListEndpoint
from apps.publishers.scopes import Scope


class PersonDeliveries(ListEndpoint):
    """Deliveries to one person."""

    required_scopes = {"GET": Scope.NOTIFICATIONS_READ}
    ordering = "-id"

    @extend_schema(
        operation_id="list_recipient_deliveries",
        parameters=[PersonDeliveriesQuery],
        responses={200: PersonDeliveryOut(many=True)},
        tags=[NOTIFICATIONS],
    )
    def get(self, request: Request, user_id: str) -> Response:
        """List the deliveries of your notifications to a person, newest first.

        Those of what went to other publishers' topics are left out: only a topic's owner may know
        its subscribers.
        """
        query = read_query(request, PersonDeliveriesQuery)
        person = get_recipient(user_id)
        rows, sought = finding.deliveries_to(person.pk, publisher_of(request).id)
        sought &= Q(**{name: query[name] for name in ("state", "channel") if name in query})
        if "since" in query:
            sought &= Q(created_at__gte=query["since"])
        return self.paginate(
            request,
            rows,
            PersonDeliveryOut,
            query=query,
            sought=sought,
            context=presenters.delivery_context,
        )
