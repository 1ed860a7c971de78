"""Acknowledgement of a notification, by a person whom it was sent to."""

from uuid import UUID

from django.db import transaction
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from apps.api.problems import Problem
from apps.delivery.api.answer_serializers import AcknowledgedOut
from apps.delivery.models import Answer, AnswerSource, Delivery
from apps.delivery.sending import answers
from apps.inbox import changes
from apps.inbox.views import InboxEndpoint

NOTIFICATIONS = "Notifications"


class AcknowledgeView(InboxEndpoint):
    """Acknowledgement by the person whose token it is."""

    @extend_schema(
        operation_id="acknowledge_notification",
        request=None,
        responses={200: AcknowledgedOut},
        tags=[NOTIFICATIONS],
    )
    def post(self, request: Request, notification_id: UUID) -> Response:
        """Acknowledge a notification that was sent to you, on any channel.

        Further steps of its fallback are not sent to you any more, nor to anybody where a step is
        for a group. The answer comes once none of them is being sent, or after 2.5 seconds.
        Acknowledging twice has no further effect.
        """
        recipient_id = self.recipient_id(request)
        sent = Delivery.objects.filter(recipient_id=recipient_id, notification_id=notification_id)
        if recipient_id is None or not sent.exists():
            raise Problem("not-found", "No notification with this id was sent to you.")
        # Not in one transaction with the inbox, whose own changes lock items before answers.
        with transaction.atomic():
            answers.answer([notification_id], recipient_id, AnswerSource.API, acknowledged=True)
        changes.acknowledge(recipient_id, notification_id)
        row = Answer.objects.get(notification_id=notification_id, recipient_id=recipient_id)
        found = {"id": notification_id, "acknowledged_at": row.acknowledged_at}
        return Response(AcknowledgedOut(found).data)
