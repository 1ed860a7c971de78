"""The reasons for which the last messages came, without what they said."""

from collections.abc import Mapping
from typing import NamedTuple
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from django.http import HttpRequest, QueryDict
from django.utils import timezone, translation
from django.utils.formats import date_format

from apps.delivery.models import Delivery, Notification, NotificationKind
from apps.delivery.operations.reasons import category_of
from apps.pages.visitors import Visitor
from apps.preferences.categories import catalogue
from notifier.domain.categories import CategoryKind, fold
from notifier.domain.states import DeliveryState

#: Messages that are shown, of so many newest deliveries.
MOST, LOOKED_AT = 10, 50
SENT = (DeliveryState.ACCEPTED, DeliveryState.DELIVERED, DeliveryState.UNKNOWN)


class Message(NamedTuple):
    """A message that was sent: when (for machines and people), on which channel, and why."""

    moment: str
    at: str
    channel: str
    origin: str
    why: str


class Recent:
    """The last messages that were sent to a person or an endpoint."""

    name = "recent"

    def context(self, visitor: Visitor) -> Mapping[str, object] | None:
        if visitor.recipient is not None:
            rows = Delivery.objects.filter(recipient_id=visitor.recipient.pk)
        else:
            rows = Delivery.objects.filter(
                contact_id=visitor.target.contact_id, recipient_id__isnull=True
            )
        newest = [row for row in rows.order_by("-pk")[:LOOKED_AT] if row.state in SENT]
        found = Notification.objects.filter(
            pk__in={row.notification_id for row in newest}, kind=NotificationKind.PUBLISHED
        )
        notifications = {
            row.pk: row for row in found.select_related("topic", "publisher").defer("content")
        }
        shown = [row for row in newest if row.notification_id in notifications][:MOST]
        return {
            "messages": [
                _message(visitor, row, notifications[row.notification_id]) for row in shown
            ]
        }

    def save(self, request: HttpRequest, visitor: Visitor, form: QueryDict) -> None:
        """There is nothing to save."""


def _message(visitor: Visitor, row: Delivery, notification: Notification) -> Message:
    text = visitor.language
    name = fold(category_of(notification))
    why = [_audience(visitor, notification)]
    if notification.category_kind == CategoryKind.CRITICAL:
        why.append(text("recent.critical"))
    with translation.override(text.locale), timezone.override(_zone(visitor)):
        at = date_format(timezone.localtime(row.created_at), "SHORT_DATETIME_FORMAT")
    return Message(
        row.created_at.isoformat(),
        at,
        text.channel(row.channel),
        text(
            "recent.from",
            publisher=str(notification.publisher),
            category=catalogue.get(name).title(text.locale) if name else "–",
        ),
        " ".join(why),
    )


def _audience(visitor: Visitor, notification: Notification) -> str:
    text, topic = visitor.language, notification.topic
    if topic is not None:
        always = topic.mandatory and not notification.other_category
        key = "recent.mandatory" if always else "recent.topic"
        return text(key, topic=topic.display_name or topic.name)
    return text("recent.group" if notification.group_id else "recent.named")


def _zone(visitor: Visitor) -> ZoneInfo:
    try:
        return ZoneInfo(visitor.recipient.time_zone if visitor.recipient else "UTC")
    except (ZoneInfoNotFoundError, ValueError):  # written by hand
        return ZoneInfo("UTC")
