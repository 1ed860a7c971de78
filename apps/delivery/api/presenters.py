"""JSON of notifications and deliveries, as the API shows them."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Protocol, cast

import orjson

from apps.delivery import selectors
from apps.delivery.api.notification_serializers import NotificationOut
from apps.delivery.intake.rows import NewNotification
from apps.delivery.models import Delivery, Notification
from apps.delivery.operations import digest_members, reasons, steps
from apps.preferences.selectors import masked_addresses, user_ids_of


def accepted(
    row: Notification | NewNotification,
    deduplicated: bool = False,
    warnings: Sequence[Mapping[str, str]] = (),
) -> dict[str, object]:
    """Build the answer to an acceptance, which ``TakenOut`` documents.

    It is JSON-ready, because it may be stored with an idempotency key, and built by hand, because
    the serializer takes twenty times as long for each notification of a batch.
    """
    answer: dict[str, object] = {
        "id": str(row.id),
        "state": "scheduled" if row.is_scheduled() else "accepted",
        "priority": row.priority,
        "channels": list(row.channels),
        "created_at": _time(row.created_at),
        "send_at": _time(row.send_at),
        "expires_at": _time(row.expires_at),
    }
    if row.reference:
        answer["reference"] = row.reference
    if row.metadata:
        new = isinstance(row.metadata, str)
        answer["metadata"] = orjson.loads(row.metadata) if new else row.metadata
    if row.replay_of is not None:
        answer["replay_of"] = str(row.replay_of)
    if deduplicated:
        answer["deduplicated"] = True
    if warnings:
        answer["warnings"] = warnings
    return answer


def _time(moment: datetime | None) -> str | None:
    """Format a time as the serializers do."""
    if moment is None:
        return None
    return f"{moment.astimezone(UTC).replace(tzinfo=None).isoformat()}Z"


class _WithProgress(Protocol):
    """A notification as ``NotificationOut`` reads it."""

    progress: selectors.Progress
    progress_of_steps: list[steps.StepProgress]
    acknowledgements: list[steps.Acknowledgement]


def notification(row: Notification) -> Mapping[str, object]:
    """Build the JSON of a notification with its state and counts."""
    return NotificationOut(with_progress([row])[0]).data


def with_progress(rows: Sequence[Notification]) -> Sequence[Notification]:
    """Read what ``NotificationOut`` shows beside the rows of notifications; return the rows."""
    acknowledged = steps.acknowledged(rows)
    progress = selectors.progress_of(rows)
    for row in rows:
        shown = cast(_WithProgress, row)
        shown.progress = progress[row.pk]
        shown.progress_of_steps = steps.progress_of_steps(row, shown.progress.counts)
        shown.acknowledgements = acknowledged.get(row.pk, [])
    return rows


def delivery_context(deliveries: Iterable[Delivery]) -> dict[str, Any]:
    """Read in bulk what ``DeliveryOut`` needs beside the rows: its ``context``.

    ``user_ids``, ``masked`` addresses and ``contact_ids`` are keyed by the delivery's id, and left
    out where the topic is another publisher's: only its owner may know its subscribers. So is
    ``told_in`` of such rows.
    ``reasons`` has a clause for each delivery with a reason, ``due`` when its next attempt is.
    """
    rows = list(deliveries)
    due = digest_members.due_at(rows)
    others = selectors.of_others_topics({row.notification_id for row in rows})
    visible = [row for row in rows if row.notification_id not in others]
    for row in rows:
        if row.notification_id in others:
            row.told_in = None  # two that are told in one reached the same person
    user_ids = user_ids_of(row.recipient_id for row in visible)
    masked = masked_addresses(row.contact_id for row in visible)
    return {
        "user_ids": {row.pk: user_ids.get(row.recipient_id) for row in visible},
        "masked": {row.pk: masked.get(row.contact_id) for row in visible},
        "contact_ids": {row.pk: row.contact_id for row in visible},
        "reasons": reasons.in_words(rows),
        "due": due,
        "attempts": selectors.attempts(row.pk for row in rows),
        "receipts": selectors.receipts(row.pk for row in rows),
    }
