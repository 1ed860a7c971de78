"""Accepting notifications: one transaction, after which nothing is lost."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.utils import timezone
from uuid_utils.compat import uuid7

from apps.delivery import content, enqueue, lines, storing
from apps.delivery.content import Filled
from apps.delivery.enqueue import Ticket
from apps.delivery.fallback import Fallback
from apps.delivery.models import Chunk, ChunkKind, Notification, NotificationKind
from apps.publishers import quota
from apps.topics.selectors import TopicSnapshot
from notifier.messages import Content


@dataclass(frozen=True, slots=True)
class Draft:
    """A validated notification, not yet accepted.

    Its audience is a topic's subscribers, a group's members, ``recipient_ids`` or
    ``contact_ids``. ``channels``: which channels may be used; every one of them is tried for
    every recipient named, and for every member of a group unless ``reachable_only`` leaves out
    those who have no address there. Contacts are all on one channel, which is the only one then.
    ``deduplicate_seconds``: see ``apps.delivery.deduplication``, which heeds it.
    ``fallback``: where to send to those whom none of these channels reached.
    ``warnings``: what the publisher is told with the acceptance.
    """

    content: Content | Filled
    priority: str
    channels: Sequence[str]
    fallback: Fallback | None = None
    topic: TopicSnapshot | None = None
    group_id: int | None = None
    reachable_only: bool = False
    recipient_ids: Sequence[int] = field(default_factory=tuple)
    contact_ids: Sequence[int] = field(default_factory=tuple)
    kind: str = NotificationKind.PUBLISHED
    collapse_key: str = ""
    ordering_key: str = ""
    deduplicate_seconds: int = 0
    send_at: datetime | None = None
    expires_at: datetime | None = None
    warnings: Sequence[Mapping[str, str]] = ()


def accept(publisher_id: int, drafts: Sequence[Draft]) -> list[Notification]:
    """Store the notifications with their first chunks and tell the workers after the commit.

    Must run inside the caller's transaction where an idempotency key is to be stored with it.
    Raises a ``Problem`` where they are more than the publisher's quota, and stores none then.
    """
    accepted_at = timezone.now()
    notifications = [_notification(publisher_id, draft, accepted_at) for draft in drafts]
    ordered = [row for row in notifications if row.ordering_key]
    with transaction.atomic(savepoint=False):  # what fails here fails all that the caller does
        lines.queue_up(ordered)
        chunks = [
            chunk
            for notification, draft in zip(notifications, drafts, strict=True)
            for chunk in _chunks(notification, draft)
        ]
        storing.store(notifications, chunks)
        lines.join(ordered, chunks)
        # What is for later is enqueued by the sweeper when its time has come.
        tickets = [ticket(chunk) for chunk in chunks if chunk.ready_at <= accepted_at]
        transaction.on_commit(lambda: enqueue.soon(tickets))
        published = sum(draft.kind == NotificationKind.PUBLISHED for draft in drafts)
        if published:
            quota.take(publisher_id, published)
    return notifications


def ticket(chunk: Chunk) -> Ticket:
    """What the workers are told of a chunk."""
    return Ticket(chunk.pk, chunk.kind, chunk.channel, chunk.priority)


def _notification(publisher_id: int, draft: Draft, accepted_at: datetime) -> Notification:
    notification_id: UUID = uuid7()
    send_at = draft.send_at
    if draft.topic is not None and draft.topic.delay:
        send_at = (send_at or accepted_at) + timedelta(seconds=draft.topic.delay)
    return Notification(
        id=notification_id,
        publisher_id=publisher_id,
        kind=draft.kind,
        topic_id=draft.topic.id if draft.topic else None,
        group_id=draft.group_id,
        reachable_only=draft.reachable_only,
        priority=draft.priority,
        channels=list(draft.channels),
        fallback_channel=draft.fallback.channel if draft.fallback else "",
        fallback_after=draft.fallback.after if draft.fallback else None,
        content=content.seal(notification_id, draft.content),
        template_version_id=(
            draft.content.version_id if isinstance(draft.content, Filled) else None
        ),
        collapse_key=draft.collapse_key,
        ordering_key=draft.ordering_key,
        send_at=send_at,
        expires_at=draft.expires_at,
        created_at=accepted_at,
    )


def _chunks(notification: Notification, draft: Draft) -> Iterable[Chunk]:
    """A topic's or group's audience as one chunk still to be cut; who is named, cut already."""
    if draft.contact_ids:
        [channel] = draft.channels
        for ids in _slices(draft.contact_ids):
            yield _chunk(notification, ChunkKind.ENDPOINT, channel, contact_ids=ids)
        return
    if draft.topic is not None or draft.group_id is not None:
        yield _chunk(notification, ChunkKind.WHOLE)
        return
    for channel in draft.channels:
        for ids in _slices(draft.recipient_ids):
            yield _chunk(notification, ChunkKind.NAMED, channel, recipient_ids=ids)
    if draft.fallback is not None:
        for ids in _slices(draft.recipient_ids):
            chunk = _chunk(notification, ChunkKind.NAMED, draft.fallback.channel, recipient_ids=ids)
            chunk.due_at = chunk.ready_at = chunk.ready_at + timedelta(seconds=draft.fallback.after)
            yield chunk


def _slices(ids: Sequence[int]) -> Iterable[list[int]]:
    for start in range(0, len(ids), settings.CHUNK_SIZE):
        yield list(ids[start : start + settings.CHUNK_SIZE])


def _chunk(
    notification: Notification,
    kind: str,
    channel: str = "",
    **audience: list[int],
) -> Chunk:
    now = notification.created_at
    grace = timedelta(seconds=enqueue.grace(notification.priority))
    scheduled = notification.is_scheduled()
    return Chunk(
        notification=notification,
        kind=kind,
        channel=channel,
        priority=notification.priority,
        due_at=notification.send_at if scheduled else now + grace,
        ready_at=notification.send_at if scheduled else now,
        **audience,
    )
