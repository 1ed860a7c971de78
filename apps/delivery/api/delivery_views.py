"""Endpoints of deliveries: those to one person, and why one went as it did."""

from django.db.models import Q
from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from apps.api.pagination import read_query
from apps.api.problems import Problem
from apps.core.delivery_ids import number_of
from apps.delivery import selectors
from apps.delivery.api import presenters
from apps.delivery.api.delivery_serializers import (
    ExplanationOut,
    PersonDeliveriesQuery,
    PersonDeliveryOut,
)
from apps.delivery.api.notification_views import NOTIFICATIONS
from apps.delivery.models import Delivery, Notification
from apps.delivery.operations import search
from apps.delivery.operations.explain import explain
from apps.preferences.models import Contact, Recipient
from apps.preferences.selectors import get_recipient
from apps.publishers.api.caller import publisher_of
from apps.publishers.api.endpoint import Endpoint, ListEndpoint
from apps.publishers.scopes import Scope

_EXPLANATION = {
    "delivery_id": "dlv_k3f9x2ab_81",
    "notification_id": "0198c0de-1111-7000-8000-000000000001",
    "user_id": "ada",
    "verdict": "no",
    "headline": "No: ada did not get it.",
    "sentences": [
        {
            "text": "shop posted it on 22 Nov 2026 10:00:00 UTC to named recipients, at normal "
            "priority, on sms.",
            "state": "",
        }
    ],
    "channels": {
        "sms": [
            {
                "text": "The delivery to no address was not sent: there is no address on this "
                "channel.",
                "state": "suppressed",
            }
        ]
    },
}


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
        rows, sought = search.deliveries_to(person.pk, publisher_of(request).id)
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


class Why(Endpoint):
    """The explanation of one delivery."""

    required_scopes = {"GET": Scope.NOTIFICATIONS_READ}

    @extend_schema(
        operation_id="explain_delivery",
        responses={200: ExplanationOut},
        examples=[OpenApiExample("no phone number", _EXPLANATION, response_only=True)],
        tags=[NOTIFICATIONS],
    )
    def get(self, request: Request, delivery_id: str) -> Response:
        """Explain in sentences why somebody got a notification or did not.

        The delivery says who and which. On every channel: what decided, each attempt, what the
        providers reported, and what comes next. Operators read the same in the admin.
        """
        delivery, notification, whom = _mine(request, delivery_id)
        if selectors.of_others_topics([notification.pk]):
            raise Problem(
                "forbidden",
                "It went to another publisher's topic, whose subscribers only its owner may know. "
                f"GET /v1/notifications/{notification.pk}/deliveries has its state and attempts.",
            )
        found = explain(whom, notification)
        return Response(
            ExplanationOut(
                {
                    "delivery_id": delivery.public_id,
                    "notification_id": notification.pk,
                    "user_id": whom.user_id if isinstance(whom, Recipient) else None,
                    "verdict": found.verdict,
                    "headline": found.headline,
                    "sentences": found.sentences,
                    "channels": found.channels,
                }
            ).data
        )


def _mine(request: Request, delivery_id: str) -> tuple[Delivery, Notification, Recipient | Contact]:
    """Return a delivery of the publisher's, its notification, and its recipient or bare endpoint.

    Raises a 404 ``Problem`` if there is none.
    """
    delivery = Delivery.objects.filter(pk=number_of(delivery_id) or 0).first()
    if delivery is not None:
        mine = selectors.notifications(publisher_of(request).id, digests=True)
        notification = mine.select_related("publisher").filter(pk=delivery.notification_id).first()
        whom = _whom(delivery)
        if notification is not None and whom is not None:
            return delivery, notification, whom
    raise Problem("not-found", "You have no delivery with this id.")


def _whom(delivery: Delivery) -> Recipient | Contact | None:
    if delivery.recipient_id is not None:
        return Recipient.objects.filter(pk=delivery.recipient_id).first()
    return Contact.objects.filter(pk=delivery.contact_id or 0).first()
