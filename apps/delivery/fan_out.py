"""Cutting a topic's or a group's audience into chunks by key range, a page at a time, without
loading it."""

import logging
from uuid import UUID

from django.conf import settings
from django.db import connection, transaction

from apps.delivery import chunks, enqueue, fallback, holding, lines
from apps.delivery.chunks import Chunk, Fenced
from apps.delivery.enqueue import Ticket
from apps.delivery.models import ChunkKind, Notification
from apps.delivery.transitions.audience import MEMBERSHIPS, SUBSCRIPTIONS
from apps.topics.selectors import get_topic_by_id

log = logging.getLogger(__name__)

#: Chunks cut by one statement. A page commits on its own, so that a restart goes on behind it.
PAGE = 20

_CUT = """
INSERT INTO delivery_chunk (notification_id, kind, channel, priority, low_id, high_id, state,
                            fence, due_at, ready_at)
SELECT %(notification_id)s, 'range', %(channel)s, %(priority)s, min(id), max(id), 'queued',
       0, clock_timestamp() + make_interval(secs => %(grace)s),
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


def fan_out(chunk_id: int) -> None:
    """Cut the whole audience that this chunk stands for into chunks of ``CHUNK_SIZE``.

    Starts where the last cut ended, so that a second run after a crash goes on. Enqueues each
    page after its commit; what the broker does not take is swept.
    """
    with transaction.atomic():
        chunk = chunks.claim(chunk_id)
        if chunk is None:
            return
        notification = Notification.objects.defer("content").get(pk=chunk.notification_id)
        topic = get_topic_by_id(notification.topic_id) if notification.topic_id else None
        if notification.cancelled_at is None and holding.put_back(chunk, topic):
            return
    try:
        for channel in notification.channels:
            while tickets := _cut_page(chunk, channel):
                _enqueue(tickets)
        if (later := fallback.of(notification)) is not None:
            while _cut_page(chunk, later.channel, later.after):
                pass  # enqueued by the sweeper when its time has come
        with transaction.atomic():
            chunks.finish(chunk)
            if notification.ordering_key:
                lines.leave([chunk.id])
    except Fenced:
        log.info("fan-out of %s goes on in another worker", chunk.notification_id)


def _cut_page(chunk: Chunk, channel: str, after: int = 0) -> list[Ticket]:
    """``after``: seconds until its chunks may be worked on."""
    with transaction.atomic():
        chunks.hold(chunk)
        notification = _share_locked(chunk.notification_id)
        if notification.cancelled_at is not None:
            return []
        with connection.cursor() as cursor:
            cursor.execute(
                _CUT_TOPIC if notification.group_id is None else _CUT_GROUP,
                {
                    "notification_id": notification.pk,
                    "topic_id": notification.topic_id,
                    "group_id": notification.group_id,
                    "reachable_only": notification.reachable_only,
                    "channel": channel,
                    "priority": chunk.priority,
                    "grace": after or enqueue.grace(chunk.priority),
                    "after": after,
                    "size": settings.CHUNK_SIZE,
                    "rows": settings.CHUNK_SIZE * PAGE,
                },
            )
            cut = [chunk_id for (chunk_id,) in cursor.fetchall()]
        if cut and notification.ordering_key:
            lines.join_behind(chunk.id, lines.line_of(notification, channel), cut)
        return [Ticket(chunk_id, ChunkKind.RANGE, channel, chunk.priority) for chunk_id in cut]


def _share_locked(notification_id: UUID | None) -> Notification:
    """The row, locked so that a cancel waits until this page of chunks is committed."""
    [row] = Notification.objects.raw(
        "SELECT * FROM delivery_notification WHERE id = %s FOR SHARE", [notification_id]
    )
    return row


def _enqueue(tickets: list[Ticket]) -> None:
    connection.close()  # back to the pool while we wait for the broker
    try:
        enqueue.now(tickets)
    except enqueue.BrokerDown:
        log.warning("fan-out goes on with the broker away; its chunks will be swept")
