"""Export what was sent to one person: deliveries with contents, attempts, receipts and answers."""

import logging
from collections.abc import Iterator, Sequence
from uuid import UUID

from apps.content.models import TemplateVersion
from apps.core.delivery_ids import public_id
from apps.delivery import sealed_content, selectors
from apps.delivery.models import Answer, Attempt, Delivery, Notification, ReceiptEvent
from apps.delivery.operations import reasons
from apps.preferences.selectors import masked_addresses
from notifier.security.crypto import DecryptionError

log = logging.getLogger(__name__)

#: Deliveries that are read at once: each may have 64 KiB of content.
AT_ONCE = 100


def deliveries(recipient_id: int) -> Iterator[dict[str, object]]:
    """Yield what was made for a person, the newest first, whoever published it."""
    rows = Delivery.objects.filter(recipient_id=recipient_id).order_by("-pk")
    last: int | None = None
    while page := list((rows if last is None else rows.filter(pk__lt=last))[:AT_ONCE]):
        yield from _page(page)
        last = page[-1].pk


def _page(page: Sequence[Delivery]) -> Iterator[dict[str, object]]:
    found = Notification.objects.filter(pk__in={row.notification_id for row in page})
    notifications = found.select_related("publisher", "topic").in_bulk()
    contents = _contents(list(notifications.values()))
    ids = [row.pk for row in page]
    attempts, receipts = selectors.attempts(ids), selectors.receipts(ids)
    masked = masked_addresses(row.contact_id for row in page)
    in_words = reasons.in_words(page)
    for row in page:
        notification = notifications.get(row.notification_id)
        yield {
            "id": row.public_id,
            "notification_id": row.notification_id,
            "publisher": notification.publisher.name if notification else None,
            "topic": notification.topic.name if notification and notification.topic else None,
            "category": notification.category if notification else None,
            "reference": notification.reference if notification else None,
            "metadata": notification.metadata if notification else None,
            "channel": row.channel,
            "address": masked.get(row.contact_id),
            "state": row.state,
            "reason": row.reason,
            "reason_text": in_words.get(row.pk, ""),
            "told_in": public_id(row.told_in) if row.told_in else None,
            "created_at": row.created_at,
            "updated_at": row.updated_at,
            **contents.get(row.notification_id, _GONE),
            "attempts": [_attempt(one) for one in attempts.get(row.pk, ())],
            "receipts": [_receipt(one) for one in receipts.get(row.pk, ())],
        }


_GONE: dict[str, object] = {"content": None, "template": None, "variables": None}


def _contents(rows: Sequence[Notification]) -> dict[UUID, dict[str, object]]:
    """Return the content of each notification, or its template and the variables.

    Beside a template ``content`` has what was posted for the inbox, if anything was.
    """
    versions = TemplateVersion.objects.select_related("template").in_bulk(
        {row.template_version_id for row in rows if row.template_version_id}
    )
    found: dict[UUID, dict[str, object]] = {}
    for row in rows:
        version = versions.get(row.template_version_id or 0)
        template = f"{version.template.name} {version.number}" if version else None
        found[row.pk] = {"template": template, **_posted(row)}
    return found


def _posted(row: Notification) -> dict[str, object]:
    found: dict[str, object] = {"content": None, "variables": None}
    if not row.content:
        return found
    try:
        if row.template_version_id is None:
            return {**found, "content": sealed_content.unseal_json(row.pk, bytes(row.content))}
        made = sealed_content.unseal_template(row.pk, row.template_version_id, bytes(row.content))
    except DecryptionError as error:
        log.error("the content of %s cannot be read: %s", row.pk, error)
        return found
    return {"content": made.inbox, "variables": made.variables}


def _attempt(row: Attempt) -> dict[str, object]:
    names = ("number", "provider", "started_at", "duration_ms", "outcome", "reason", "status")
    return {name: getattr(row, name) for name in (*names, "detail")}


def _receipt(row: ReceiptEvent) -> dict[str, object]:
    return {name: getattr(row, name) for name in ("provider", "event", "reason", "detail", "at")}


def answers(recipient_id: int) -> Iterator[dict[str, object]]:
    """Yield the notifications that a person read or acknowledged, of those that ask for it."""
    made = Delivery.objects.filter(recipient_id=recipient_id).values("notification_id")
    rows = Answer.objects.filter(recipient_id=recipient_id, notification_id__in=made)
    for row in rows.order_by("pk"):
        yield {
            "notification_id": row.notification_id,
            "source": row.source,
            "read_at": row.read_at,
            "acknowledged_at": row.acknowledged_at,
        }
