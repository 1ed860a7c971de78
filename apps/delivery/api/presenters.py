"""How the API shows notifications and deliveries."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from apps.delivery import selectors
from apps.delivery.api.serializers import NotificationOut
from apps.delivery.intake.rows import NewNotification
from apps.delivery.models import Delivery, Notification
from apps.preferences.models import Contact, Recipient


def accepted(
    row: Notification | NewNotification,
    deduplicated: bool = False,
    warnings: Sequence[Mapping[str, str]] = (),
) -> dict[str, Any]:
    """The answer to an acceptance, as ``TakenOut`` documents it: JSON-ready, since an
    idempotency key may keep it.

    Written out, since the serializer takes twenty times as long for each of a batch.
    """
    said = {
        "id": str(row.id),
        "state": "scheduled" if row.is_scheduled() else "accepted",
        "priority": row.priority,
        "channels": list(row.channels),
        "created_at": _time(row.created_at),
        "send_at": _time(row.send_at),
        "expires_at": _time(row.expires_at),
    }
    if deduplicated:
        said["deduplicated"] = True
    if warnings:
        said["warnings"] = warnings
    return said


def _time(moment: datetime | None) -> str | None:
    """As the serializers write a time."""
    if moment is None:
        return None
    return f"{moment.astimezone(UTC).replace(tzinfo=None).isoformat()}Z"


def notification(row: Notification) -> dict[str, Any]:
    """A notification with its state and counts."""
    row.progress = selectors.progress(row)  # type: ignore[attr-defined]
    return NotificationOut(row).data


def shown(deliveries: Iterable[Delivery]) -> dict[str, Any]:
    """Read at once what ``DeliveryOut`` needs beside the rows of deliveries.

    ``user_ids``, ``masked`` addresses and ``contact_ids`` are by the delivery's id, and left out
    where the topic is another publisher's: who is subscribed is its owner's.
    """
    rows = list(deliveries)
    others = selectors.of_others_topics({row.notification_id for row in rows})
    told = [row for row in rows if row.notification_id not in others]
    people = Recipient.objects.filter(pk__in={row.recipient_id for row in told})
    user_ids = dict(people.values_list("id", "user_id"))
    contacts = Contact.objects.filter(pk__in={row.contact_id for row in told})
    masked = dict(contacts.values_list("id", "masked"))
    return {
        "user_ids": {row.pk: user_ids.get(row.recipient_id) for row in told},
        "masked": {row.pk: masked.get(row.contact_id) for row in told},
        "contact_ids": {row.pk: row.contact_id for row in told},
        "attempts": selectors.attempts(row.pk for row in rows),
        "receipts": selectors.receipts(row.pk for row in rows),
    }
