"""Telling publishers what became of their deliveries, through the line that delivers anything.

Moves are told in their own transaction: what is recorded is told, and nothing else is. What is
told is a notification of the kind ``STATUS``, of which nobody is told.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import orjson
from django.db import connection

from apps.core.delivery_ids import public_id
from apps.delivery.intake.accept import accept
from apps.delivery.intake.drafts import Draft
from apps.delivery.models import NotificationKind
from apps.delivery.status_webhooks import lookup
from apps.preferences.channels import WEBHOOK
from apps.preferences.models import Contact, ContactState
from notifier.channels.webhook import FRAME, PAYLOAD_LIMIT
from notifier.domain.messages import Content
from notifier.domain.priorities import Priority
from notifier.domain.states import DeliveryState

#: Deliveries in one message; fewer where names are so long that it would be too large.
AT_ONCE = 50

#: The look-up of a notification is one by its key: see ``apps.delivery.state.counts``.
_MOVED = """
SELECT n.publisher_id, d.state, d.id, d.notification_id, coalesce(t.name, ''), d.channel,
       -- who is subscribed to another publisher's topic is not told
       CASE WHEN t.publisher_id <> n.publisher_id THEN '' ELSE coalesce(r.user_id, '') END,
       d.reason, d.updated_at
  FROM delivery_delivery d
 CROSS JOIN LATERAL (SELECT publisher_id, topic_id, kind FROM delivery_notification
                      WHERE id = d.notification_id LIMIT 1) n
  LEFT JOIN topics_topic t ON t.id = n.topic_id
  LEFT JOIN preferences_recipient r ON r.id = d.recipient_id
 WHERE d.id = ANY(%s) AND n.kind = 'published' AND n.publisher_id = ANY(%s)
 ORDER BY d.id
"""


def tell(moves: Iterable[tuple[int, str]]) -> None:
    """Tell those who chose to hear of it that deliveries moved: ``(delivery id, state)``.

    In the transaction of the moves, after them: what is told is read from the rows.
    """
    listeners = lookup.listeners()
    if not listeners:
        return
    chosen = {event for listener in listeners for event in listener.events}
    ids = [delivery_id for delivery_id, state in moves if state in chosen]
    if not ids:
        return
    told: dict[tuple[int, str], list[dict[str, Any]]] = defaultdict(list)
    with connection.cursor() as cursor:
        cursor.execute(_MOVED, [ids, list({listener.publisher_id for listener in listeners})])
        for publisher_id, state, *row in cursor.fetchall():
            told[publisher_id, state].append(_told(state, *row))
    if not told:
        return
    named = [listener.contact_id for listener in listeners]
    # A disabled one would be refused anyway, with rows to show for it.
    active = set(
        Contact.objects.filter(pk__in=named, state=ContactState.ACTIVE).values_list("pk", flat=True)
    )
    drafts: dict[int, list[Draft]] = defaultdict(list)
    for (publisher_id, state), deliveries in told.items():
        contacts = [
            listener.contact_id
            for listener in listeners
            if listener.publisher_id == publisher_id
            and state in listener.events
            and listener.contact_id in active
        ]
        if contacts:
            drafts[publisher_id] += _drafts(state, deliveries, contacts)
    for publisher_id, some in drafts.items():
        accept(publisher_id, some)


def _told(
    state: DeliveryState,
    delivery_id: int,
    notification_id: UUID,
    topic: str,
    channel: str,
    user_id: str,
    reason: str,
    at: datetime,
) -> dict[str, Any]:
    """What is said of one delivery: nothing of its address or content."""
    return {
        "delivery_id": public_id(delivery_id),
        "notification_id": str(notification_id),
        "topic": topic,
        "channel": channel,
        "user_id": user_id,
        "state": state,
        "reason": reason,
        "at": at.astimezone(UTC).isoformat().replace("+00:00", "Z"),
    }


def _drafts(
    state: str, deliveries: Iterable[dict[str, Any]], contacts: Sequence[int]
) -> Iterator[Draft]:
    for some in _batches(deliveries):
        yield Draft(
            content=Content(data={"deliveries": some}, event_type=f"delivery.{state}"),
            priority=Priority.LOW,
            channels=[WEBHOOK],
            contact_ids=contacts,
            kind=NotificationKind.STATUS,
        )


def _batches(deliveries: Iterable[dict[str, Any]]) -> Iterator[list[dict[str, Any]]]:
    """Up to ``AT_ONCE`` of them, and no more than a webhook's payload holds."""
    batch: list[dict[str, Any]] = []
    room = PAYLOAD_LIMIT - FRAME
    for one in deliveries:
        size = len(orjson.dumps(one)) + 1  # and a comma
        if batch and (len(batch) == AT_ONCE or size > room):
            yield batch
            batch, room = [], PAYLOAD_LIMIT - FRAME
        batch.append(one)
        room -= size
    if batch:
        yield batch
