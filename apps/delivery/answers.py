"""How the API shows notifications and deliveries."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from apps.delivery import selectors
from apps.delivery.models import Delivery, Notification
from apps.delivery.serializers import AcceptedOut, NotificationOut
from apps.preferences.models import Contact, Recipient
from apps.publishers.serializers import made


def accepted(
    row: Notification, deduplicated: bool = False, warnings: Sequence[Mapping[str, str]] = ()
) -> dict[str, Any]:
    """What acceptance is answered with: JSON-ready, since an idempotency key may keep it."""
    data = made(AcceptedOut).to_representation(row)
    marked: dict[str, Any] = {"deduplicated": True} if deduplicated else {}
    if warnings:
        marked["warnings"] = warnings
    return {**data, "id": str(data["id"]), **marked}


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
