"""Publish events about deliveries to status webhooks, as notifications of the kind ``STATUS``.

Events are accepted in the transaction that moves the deliveries, so both are committed or neither.
Notifications of the kind ``STATUS`` cause no events themselves.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence
from datetime import UTC, datetime
from typing import NamedTuple, TypeAlias
from uuid import UUID

import orjson
from django.db import connection

from apps.core.delivery_ids import public_id
from apps.delivery import traces
from apps.delivery.intake.accept import accept
from apps.delivery.intake.drafts import Draft
from apps.delivery.models import NotificationKind
from apps.delivery.status_webhooks import lookup
from apps.preferences.channels import WEBHOOK
from apps.preferences.selectors import ERASING, active_contacts
from notifier.channels.webhook import FRAME, PAYLOAD_LIMIT
from notifier.domain.messages import Content
from notifier.domain.priorities import Priority
from notifier.domain.states import DeliveryState

#: An event of one delivery, as JSON.
Event: TypeAlias = dict[str, str | dict[str, str]]
#: Deliveries in one message at most; fewer if it would be too large.
AT_ONCE = 50

# LATERAL makes the look-up of a notification one by its key: see ``apps.delivery.state.counts``.
# Names of topics and recipients are joined since every record waits for this statement.
_MOVED = """
SELECT n.publisher_id, d.state, d.id, d.notification_id, coalesce(t.name, ''), d.channel,
       -- only the owner of a topic may know its subscribers
       CASE WHEN t.publisher_id <> n.publisher_id THEN '' ELSE coalesce(r.user_id, '') END,
       d.reason, d.updated_at, n.reference, n.metadata, n.traceparent
  FROM delivery_delivery d
 CROSS JOIN LATERAL (SELECT publisher_id, topic_id, kind, reference, metadata, traceparent
                       FROM delivery_notification WHERE id = d.notification_id LIMIT 1) n
  LEFT JOIN topics_topic t ON t.id = n.topic_id
  LEFT JOIN preferences_recipient r ON r.id = d.recipient_id
 WHERE d.id = ANY(%s) AND n.kind = 'published' AND n.publisher_id = ANY(%s)
 ORDER BY d.id
"""


class Move(NamedTuple):
    """A delivery's new state, and its notification's place in a trace, if that is sampled."""

    event: Event
    place: bytes | None


def publish(moves: Iterable[tuple[int, str]]) -> None:
    """Accept events about moves, ``(delivery id, state)``, for the webhooks that chose the states.

    Call it in the transaction of the moves, after them: the events are read from the rows.
    """
    listeners = lookup.listeners()
    if not listeners:
        return
    chosen = {event for listener in listeners for event in listener.events}
    ids = [delivery_id for delivery_id, state in moves if state in chosen]
    if not ids:
        return
    events = read(ids, {listener.publisher_id for listener in listeners})
    if not events:
        return
    # A disabled endpoint would only cause suppressed deliveries.
    active = active_contacts([listener.contact_id for listener in listeners])
    drafts: dict[int, list[Draft]] = defaultdict(list)
    for (publisher_id, state), deliveries in events.items():
        contacts = [
            listener.contact_id
            for listener in listeners
            if listener.publisher_id == publisher_id
            and state in listener.events
            and listener.contact_id in active
        ]
        if contacts:
            drafts[publisher_id] += _drafts(state, deliveries, contacts)
    for publisher_id, batch in drafts.items():
        accept(publisher_id, batch)


def read(
    delivery_ids: Sequence[int], publisher_ids: Collection[int]
) -> dict[tuple[int, str], list[Move]]:
    """Return deliveries with their events as they are now, by publisher and state.

    Those of other publishers than ``publisher_ids`` have none.
    """
    events: dict[tuple[int, str], list[Move]] = defaultdict(list)
    with connection.cursor() as cursor:
        cursor.execute(_MOVED, [list(delivery_ids), list(publisher_ids)])
        for publisher_id, state, *row, place in cursor.fetchall():
            move = Move(_event(state, *row), None if place is None else bytes(place))
            events[publisher_id, state].append(move)
    return events


def _event(
    state: DeliveryState,
    delivery_id: int,
    notification_id: UUID,
    topic: str,
    channel: str,
    user_id: str,
    reason: str,
    at: datetime,
    reference: str,
    metadata: str | None,
) -> Event:
    """Build the event of one delivery, without its address and content.

    Of somebody who is being erased it says neither who that is nor what may name them.
    """
    if user_id.startswith(ERASING):
        user_id = reference = ""
        metadata = None
    return {
        "delivery_id": public_id(delivery_id),
        "notification_id": str(notification_id),
        "reference": reference,
        "metadata": orjson.loads(metadata) if metadata else {},
        "topic": topic,
        "channel": channel,
        "user_id": user_id,
        "state": state,
        "reason": reason,
        "at": at.astimezone(UTC).isoformat().replace("+00:00", "Z"),
    }


def _drafts(state: str, moves: Iterable[Move], contacts: Sequence[int]) -> Iterator[Draft]:
    """Yield the notifications of events."""
    for batch in _batches(moves):
        places = [one.place for one in batch if one.place is not None]
        events = [one.event for one in batch]
        yield Draft(
            content=Content(data={"deliveries": events}, event_type=f"delivery.{state}"),
            priority=Priority.LOW,
            channels=[WEBHOOK],
            contact_ids=contacts,
            kind=NotificationKind.STATUS,
            traceparent=traces.record_status_event(places) if places else None,
        )


def _batches(moves: Iterable[Move]) -> Iterator[list[Move]]:
    """Yield batches of up to ``AT_ONCE`` deliveries that fit into a webhook's payload."""
    batch: list[Move] = []
    left = PAYLOAD_LIMIT - FRAME
    for one in moves:
        size = len(orjson.dumps(one.event)) + 1  # and a comma
        if batch and (len(batch) == AT_ONCE or size > left):
            yield batch
            batch, left = [], PAYLOAD_LIMIT - FRAME
        batch.append(one)
        left -= size
    if batch:
        yield batch
