"""Deliveries that wait: cancel, redrive, release and wake them."""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from django.db import connection, transaction

from apps.delivery import counts, lines, status_events
from apps.delivery.models import Notification
from apps.delivery.transitions import turns
from notifier.states import WAITING, DeliveryState

#: A cancel moves so many waiting deliveries itself; the rest are cancelled when they are due.
CANCEL_AT_ONCE = 10_000
#: What was held back is due at once, up to so many deliveries: a second or two of work.
RELEASE_AT_ONCE = 100_000


def cancel(notification_id: UUID) -> bool:
    """Stop what has not been sent; whether there was something, and no cancel before this one.

    Waits for the claims in progress, so that what is not sending when this returns is never
    sent. Waiting deliveries beyond ``CANCEL_AT_ONCE`` become cancelled when they are due.
    """
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(
            # What is done says how it ended: the counts tell, however many deliveries there are.
            "UPDATE delivery_notification n SET cancelled_at = clock_timestamp() "
            "WHERE id = %s AND cancelled_at IS NULL AND (EXISTS ("
            "SELECT FROM delivery_chunk c WHERE c.notification_id = n.id AND c.state <> 'done') "
            "OR (SELECT sum(count) FROM delivery_statecount s "
            "WHERE s.notification_id = n.id AND s.state = ANY(%s)) > 0)",
            [notification_id, [*WAITING, DeliveryState.DEAD]],  # what is dead may be redriven
        )
        if cursor.rowcount != 1:
            return False
        cursor.execute(
            # A chunk that is being claimed is left alone: its claim waits for us and then sees
            # the cancel, while waiting for it would be a deadlock.
            "UPDATE delivery_chunk SET state = 'done' WHERE id IN "
            "(SELECT id FROM delivery_chunk WHERE notification_id = %s AND state = 'queued' "
            "AND fence = 0 FOR UPDATE SKIP LOCKED)",
            [notification_id],
        )
        cursor.execute(
            """
            WITH waiting AS (
                SELECT id, state FROM delivery_delivery
                 WHERE notification_id = %s AND state IN ('queued', 'retrying')
                 LIMIT %s FOR UPDATE SKIP LOCKED
            )
            UPDATE delivery_delivery d
               SET state = CASE WHEN EXISTS (SELECT FROM delivery_attempt a
                                              WHERE a.delivery_id = d.id
                                                AND a.outcome = 'unknown')
                                -- An earlier call went unanswered: nobody can take it back.
                                THEN 'unknown' ELSE 'cancelled' END,
                   next_attempt_at = NULL, updated_at = clock_timestamp()
              FROM waiting w WHERE d.id = w.id
            RETURNING d.id, d.channel, w.state, d.state
            """,
            [notification_id, CANCEL_AT_ONCE],
        )
        moves: Counter = Counter()
        rows = cursor.fetchall()
        _leave_lines(notification_id, [row[0] for row in rows])
        for _, channel, before, after in rows:
            moves[notification_id, channel, after] += 1
            moves[notification_id, channel, before] -= 1
        status_events.tell((row[0], row[3]) for row in rows)
        counts.add(moves)
    return True


def _leave_lines(notification_id: UUID, delivery_ids: Sequence[int]) -> None:
    """Of what was cancelled; those who stood behind go on. Nothing without an ordering key."""
    row = Notification.objects.defer("content").get(pk=notification_id)
    if not row.ordering_key:
        return
    lines.lock(lines.line_of(row, channel) for channel in lines.channels_of(row))
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT t.chunk_id FROM delivery_chunkturn t JOIN delivery_chunk c "
            "ON c.id = t.chunk_id WHERE c.notification_id = %s AND c.state = 'done'",
            [notification_id],
        )
        lines.leave([chunk_id for (chunk_id,) in cursor.fetchall()])
    turns.end(delivery_ids)


# Deliveries before their dead letters, as whoever reads a receipt takes them; and what it holds
# is passed by.
_REDRIVE = """
WITH dead AS (
    SELECT id FROM delivery_delivery
     WHERE id = ANY(%s) AND state = 'dead' ORDER BY id FOR UPDATE SKIP LOCKED
), raised AS (
    DELETE FROM delivery_deadletter l USING dead WHERE l.delivery_id = dead.id
    RETURNING l.delivery_id
)
UPDATE delivery_delivery d
   SET state = 'retrying', attempts_uncounted = d.attempts,
       next_attempt_at = clock_timestamp(), updated_at = clock_timestamp()
  FROM raised WHERE d.id = raised.delivery_id
RETURNING d.id, d.notification_id, d.channel
"""


def redrive(delivery_ids: Sequence[int]) -> list[int]:
    """Put these dead letters back, each due now; the ids of those that were still dead letters.

    Without those that somebody else is moving just now. Runs in the caller's transaction.
    """
    with connection.cursor() as cursor:
        cursor.execute(_REDRIVE, [list(delivery_ids)])
        rows = cursor.fetchall()
    moves: Counter = Counter()
    for _, notification_id, channel in rows:
        moves[notification_id, channel, DeliveryState.RETRYING] += 1
        moves[notification_id, channel, DeliveryState.DEAD] -= 1
    counts.add(moves)
    return [row[0] for row in rows]


# What is being claimed is left alone: its claim waits for the one who resumes, and then sees it.
# A fallback still leaves the others their time.
_RELEASE_CHUNKS = """
UPDATE delivery_chunk
   SET due_at = held.until, ready_at = held.until
  FROM (SELECT c.id, clock_timestamp() + make_interval(
                   secs => coalesce(CASE WHEN c.channel = n.fallback_channel
                                         THEN n.fallback_after END, 0)) AS until
          FROM delivery_chunk c JOIN delivery_notification n ON n.id = c.notification_id
         WHERE c.state = 'queued' AND c.fence > 0 AND c.due_at > clock_timestamp()
           AND n.topic_id = %s FOR UPDATE OF c SKIP LOCKED) held
 WHERE delivery_chunk.id = held.id
"""
_RELEASE = """
UPDATE delivery_delivery SET next_attempt_at = clock_timestamp()
 WHERE id = ANY(ARRAY(
           SELECT d.id
             FROM delivery_delivery d JOIN delivery_notification n ON n.id = d.notification_id
            WHERE d.next_attempt_at > clock_timestamp() AND {held} LIMIT %s
              FOR UPDATE OF d SKIP LOCKED))
"""


def release_topic(topic_id: int) -> None:
    """Make due what was held back for a topic that is no longer paused.

    Deliveries beyond ``RELEASE_AT_ONCE`` are due when their hold is over.
    """
    with connection.cursor() as cursor:
        cursor.execute(_RELEASE_CHUNKS, [topic_id])
        cursor.execute(
            _RELEASE.format(held="d.reason = 'topic_paused' AND n.topic_id = %s"),
            [topic_id, RELEASE_AT_ONCE],
        )


def release_channel(channel: str) -> None:
    """The same for what was held back on a channel for its providers' sake."""
    held = (
        "d.reason IN ('provider_paused', 'provider_down', 'many_dead_addresses') AND d.channel = %s"
    )
    with connection.cursor() as cursor:
        cursor.execute(_RELEASE.format(held=held), [channel, RELEASE_AT_ONCE])


_WAKE = """
WITH due AS (
    SELECT id FROM delivery_delivery
     WHERE priority = %(priority)s AND channel = %(channel)s AND next_attempt_at <= %(now)s
     ORDER BY next_attempt_at LIMIT %(size)s FOR UPDATE SKIP LOCKED
), retry AS (
    INSERT INTO delivery_chunk (kind, channel, priority, state, fence, due_at, ready_at)
    SELECT 'retry', %(channel)s, %(priority)s, 'queued', 0,
           clock_timestamp() + make_interval(secs => %(grace)s), clock_timestamp()
     WHERE EXISTS (SELECT FROM due)
    RETURNING id
)
UPDATE delivery_delivery d
   SET chunk_id = retry.id, next_attempt_at = NULL
  FROM due, retry WHERE d.id = due.id
RETURNING d.chunk_id
"""


def wake_due(channel: str, priority: str, now: datetime, size: int, grace: float) -> int | None:
    """Put up to ``size`` due deliveries into a new retry chunk; its id, or ``None``.

    Their state stays retrying until the chunk is claimed. Safe to run many times at once.
    """
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(
            _WAKE,
            {
                "channel": channel,
                "priority": priority,
                "now": now,
                "size": size,
                "grace": grace,
            },
        )
        row = cursor.fetchone()
    return row[0] if row else None
