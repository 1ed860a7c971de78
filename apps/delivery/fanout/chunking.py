"""Cut the audience of a topic or group into chunks by key range, without loading it."""

import logging
from datetime import timedelta
from uuid import UUID

from django.conf import settings
from django.db import connection, transaction

from apps.core import clock, tracing
from apps.delivery import traces
from apps.delivery.fanout import audience_lease, local_time
from apps.delivery.fanout.audience_lease import AudienceLease, Fenced
from apps.delivery.models import Chunk, ChunkKind, Notification
from apps.delivery.ordering import ordering_keys
from apps.delivery.outbox import doorbells
from apps.delivery.outbox.queues import Queue
from apps.delivery.state import deferral, fallback
from apps.delivery.state.eligibility.audience import MEMBERSHIPS, SUBSCRIPTIONS
from apps.delivery.state.steps import plan
from apps.topics.selectors import get_topic_by_id, paused_topics
from notifier.domain.outcomes import Reason

log = logging.getLogger(__name__)

#: Most chunks that one statement cuts. Each page commits, so that a restart goes on behind it.
PAGE = 20

_CUT = """
INSERT INTO delivery_chunk (notification_id, publisher_id, kind, channel, priority, low_id, high_id,
                            size, step, state, fence, due_at, ready_at)
SELECT %(notification_id)s, %(publisher_id)s, 'range', %(channel)s, %(priority)s, min(id), max(id),
       count(*), %(step)s, 'queued', 0, clock_timestamp() + make_interval(secs => %(after)s),
       clock_timestamp() + make_interval(secs => %(after)s)
  FROM (SELECT id, (row_number() OVER (ORDER BY id) - 1) / %(size)s AS slice
          FROM (SELECT id FROM {audience}
                   AND id > coalesce((SELECT high_id FROM delivery_chunk
                                       WHERE notification_id = %(notification_id)s
                                         AND channel = %(channel)s AND kind = 'range'
                                       ORDER BY low_id DESC LIMIT 1), 0)
                 ORDER BY id LIMIT %(rows)s) page) sliced
 GROUP BY slice
ON CONFLICT DO NOTHING
RETURNING id
"""
_CUT_TOPIC = _CUT.format(audience=SUBSCRIPTIONS)
_CUT_GROUP = _CUT.format(audience=MEMBERSHIPS)


def empty(queue: Queue) -> int:
    """Cut audiences of the queue's priority until none is left; return how many were cut."""
    cut = 0
    while fan_out(queue.priority):
        cut += 1
    return cut


def fan_out(priority: str) -> bool:
    """Cut one audience into chunks of ``CHUNK_SIZE``; return whether there was one.

    Starts where the last chunk ended, so that a second run after a crash goes on there. Rings for
    each page after its commit.
    """
    with transaction.atomic():
        chunk_id = audience_lease.next_whole(priority)
        chunk = audience_lease.claim(chunk_id) if chunk_id is not None else None
        if chunk is None:
            return False
        notification = Notification.objects.defer("content").get(pk=chunk.notification_id)
        if notification.cancelled_at is None and _is_held(notification):
            deferral.defer_chunks([chunk.id], Reason.TOPIC_PAUSED, None)
            return True
    since = tracing.now()
    try:
        if local_time.is_local(notification) and not local_time.has_audience(notification):
            _cut_named(chunk, notification)
        else:
            _cut_audience(chunk, notification)
    except Fenced:
        log.info(
            "fan-out of %s continues in another worker",
            chunk.notification_id,
            extra={"notification_id": str(chunk.notification_id)},
        )
    if notification.traceparent is not None:
        traces.record_fan_out(notification.pk, bytes(notification.traceparent), since)
    return True


def _cut_audience(chunk: AudienceLease, notification: Notification) -> None:
    """Cut a topic's or group's audience page by page, and finish the chunk."""
    for channel in notification.channels:
        while _cut_page(chunk, channel):
            connection.close()  # back to the pool: there may be thousands of pages
            doorbells.ring([Queue(channel, chunk.priority)])
    if (later := fallback.of(notification)) is not None:
        while _cut_page(chunk, later.channel, later.after):
            pass  # no doorbell: workers find these chunks once they are due
    for step in plan.of(notification.steps):
        while step.group_id is None and _cut_page(chunk, step.channel, step.due, step.number):
            pass
    with transaction.atomic():
        audience_lease.finish(chunk)
        _add_group_steps(chunk)
        if notification.ordering_key:
            ordering_keys.remove_chunks([chunk.id])


def _cut_named(chunk: AudienceLease, notification: Notification) -> None:
    """Cut named recipients by their zones, and finish the chunk, all at once."""
    with transaction.atomic():
        audience_lease.renew(chunk)
        notification = _share_locked(chunk.notification_id)
        if notification.cancelled_at is None:
            whole = Chunk.objects.get(pk=chunk.id)
            for channel in notification.channels:
                local_time.cut_named(whole, notification, channel, 0)
            if (later := fallback.of(notification)) is not None:
                local_time.cut_named(whole, notification, later.channel, later.after)
            for step in plan.of(notification.steps):
                if step.group_id is None:
                    local_time.cut_named(whole, notification, step.channel, step.due, step.number)
        audience_lease.finish(chunk)
        _add_group_steps(chunk)
    doorbells.ring([Queue(channel, chunk.priority) for channel in notification.channels])


def _is_held(notification: Notification) -> bool:
    """Return whether its topic is paused, locking the topic so that nobody resumes it meanwhile.

    The cached topic may be a few seconds old, so a paused one is read again.
    """
    topic = get_topic_by_id(notification.topic_id) if notification.topic_id else None
    return topic is not None and topic.paused and bool(paused_topics([topic.id]))


def _add_group_steps(chunk: AudienceLease) -> None:
    """Add the chunks of steps for a group, in the transaction that finishes the audience.

    Their seconds count from now, as those of the others count from when a page was cut; with a
    local time from when it comes first, anywhere.
    """
    notification = _share_locked(chunk.notification_id)
    if notification.cancelled_at is not None:
        return
    starts_at = max(clock.moment(), notification.send_at or clock.moment())
    for step in plan.of(notification.steps):
        if step.group_id is not None:
            at = starts_at + timedelta(seconds=step.due)
            Chunk.objects.create(
                notification_id=notification.pk,
                publisher_id=notification.publisher_id,
                kind=ChunkKind.MEMBERS,
                channel=step.channel,
                priority=chunk.priority,
                step=step.number,
                due_at=at,
                ready_at=at,
            )


def _cut_page(chunk: AudienceLease, channel: str, after: int = 0, step: int = 0) -> bool:
    """Cut a page; return whether there was one.

    ``after``: seconds until its chunks are due. ``step``: of the fallback, if they are of one.
    """
    with transaction.atomic():
        audience_lease.renew(chunk)
        notification = _share_locked(chunk.notification_id)
        if notification.cancelled_at is not None:
            return False
        if local_time.is_local(notification):
            return local_time.cut_page(
                notification, channel, after, settings.CHUNK_SIZE * PAGE, step
            )
        with connection.cursor() as cursor:
            cursor.execute(
                _CUT_TOPIC if notification.group_id is None else _CUT_GROUP,
                {
                    "notification_id": notification.pk,
                    "publisher_id": notification.publisher_id,
                    "topic_id": notification.topic_id,
                    "group_id": notification.group_id,
                    "reachable_only": notification.reachable_only,
                    "channel": channel,
                    "priority": chunk.priority,
                    "after": after,
                    "step": step,
                    "size": settings.CHUNK_SIZE,
                    "rows": settings.CHUNK_SIZE * PAGE,
                },
            )
            cut = [chunk_id for (chunk_id,) in cursor.fetchall()]
        if cut and notification.ordering_key and not step:
            ordering_keys.add_cut_chunks(
                chunk.id, ordering_keys.line_of(notification, channel), cut
            )
        return bool(cut)


def _share_locked(notification_id: UUID) -> Notification:
    """Return the row, locked so that a cancel waits until this page of chunks is committed."""
    [row] = Notification.objects.raw(
        "SELECT * FROM delivery_notification WHERE id = %s FOR SHARE", [notification_id]
    )
    return row
