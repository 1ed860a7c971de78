"""Publish replies to text messages to the status webhooks of whoever sent the last message."""

from collections.abc import Sequence
from datetime import UTC, datetime

from apps.delivery.intake.accept import accept
from apps.delivery.intake.drafts import Draft
from apps.delivery.models import NotificationKind
from apps.delivery.status_webhooks import events, lookup
from apps.delivery.status_webhooks.lookup import MESSAGE_RECEIVED, Listener
from apps.preferences.channels import WEBHOOK
from apps.preferences.selectors import active_contacts
from notifier.domain.messages import Content
from notifier.domain.priorities import Priority


def wanted() -> bool:
    """Return whether any publisher wants replies."""
    return bool(_listeners())


def publish(delivery_id: int, text: str, message_id: str, at: datetime) -> int | None:
    """Accept an event about a reply to a delivery, in the caller's transaction.

    Returns the publisher that it is sent to; ``None`` where the delivery is not a publication of
    one that wants replies.
    """
    listeners = _listeners()
    found = events.read([delivery_id], {listener.publisher_id for listener in listeners})
    for (publisher_id, _), [(delivery, _)] in found.items():
        own = [one.contact_id for one in listeners if one.publisher_id == publisher_id]
        active = active_contacts(own)
        contacts = [contact_id for contact_id in own if contact_id in active]
        if not contacts:
            return None
        message = {
            "message_id": message_id,
            "text": text,
            "at": at.astimezone(UTC).isoformat().replace("+00:00", "Z"),
            "channel": delivery["channel"],
            "user_id": delivery["user_id"],
            "in_reply_to": {
                name: delivery[name]
                for name in ("delivery_id", "notification_id", "reference", "metadata", "topic")
            },
        }
        content = Content(data={"message": message}, event_type=MESSAGE_RECEIVED)
        draft = Draft(
            content=content,
            priority=Priority.LOW,
            channels=[WEBHOOK],
            contact_ids=contacts,
            kind=NotificationKind.STATUS,
        )
        accept(publisher_id, [draft])
        return publisher_id
    return None


def _listeners() -> Sequence[Listener]:
    return [one for one in lookup.listeners() if MESSAGE_RECEIVED in one.events]
