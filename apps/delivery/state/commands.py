"""Commands on deliveries that no worker is sending: cancel, redrive, make dead, release lost."""

from collections import Counter
from collections.abc import Mapping, Sequence
from uuid import UUID

import orjson
from django.db import connection, transaction

from apps.delivery.models import Notification
from apps.delivery.ordering import ordering_keys
from apps.delivery.state import counts, ordering
from apps.delivery.state.recording import BURY
from apps.delivery.state.retry_policies import OF_SUBSCRIPTION
from apps.delivery.state.signals import deliveries_moved
from notifier.domain.outcomes import Reason
from notifier.domain.states import WAITING, DeliveryState

#: Most waiting deliveries that a cancel moves itself; the rest are cancelled when they are due.
CANCEL_AT_ONCE = 10_000


def cancel(notification_id: UUID) -> bool:
    """Cancel what has not been sent; return whether there was something, not cancelled before.

    Waits for claims that are committing, so that a delivery that is not sending when this returns
    is never sent. Waiting deliveries beyond ``CANCEL_AT_ONCE`` become cancelled when they are due.
    """
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(
            # A notification that is done stays as it ended. The counts say whether it is, however
            # many deliveries it has.
            "UPDATE delivery_notification n SET cancelled_at = clock_timestamp() "
            "WHERE id = %s AND cancelled_at IS NULL AND (EXISTS ("
            "SELECT FROM delivery_chunk c WHERE c.notification_id = n.id AND c.state <> 'done') "
            "OR (SELECT sum(count) FROM delivery_statecount s "
            "WHERE s.notification_id = n.id AND s.state = ANY(%s)) > 0)",
            [notification_id, [*WAITING, DeliveryState.DEAD]],  # dead ones may be redriven
        )
        if cursor.rowcount != 1:
            return False
        # A claim waits for no row that is locked here. Where it has a chunk already, this waits for
        # it and finds its deliveries; else it skips the chunk and sees the cancel. Fan-out waits
        # for the notification's row, so the chunk that it is cutting is skipped.
        cursor.execute(
            "UPDATE delivery_chunk SET state = 'done' WHERE id = ANY(ARRAY("
            "SELECT id FROM delivery_chunk WHERE notification_id = %s AND state = 'queued' "
            "AND fence = 0 AND kind <> 'whole' ORDER BY id FOR UPDATE))",
            [notification_id],
        )
        cursor.execute(
            "UPDATE delivery_chunk SET state = 'done' WHERE id = ANY(ARRAY("
            "SELECT id FROM delivery_chunk WHERE notification_id = %s AND state = 'queued' "
            "AND fence = 0 AND kind = 'whole' FOR UPDATE SKIP LOCKED))",
            [notification_id],
        )
        cursor.execute(
            """
            WITH waiting AS (
                SELECT id, state FROM delivery_delivery
                 WHERE notification_id = %s AND state IN ('queued', 'retrying')
                 LIMIT %s FOR UPDATE
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
        moves: counts.Moves = Counter()
        rows = cursor.fetchall()
        _leave_lines(notification_id, [row[0] for row in rows])
        for _, channel, before, after in rows:
            moves[notification_id, channel, after] += 1
            moves[notification_id, channel, before] -= 1
        deliveries_moved.send(None, moves=[(row[0], row[3]) for row in rows])
        counts.add(moves)
    return True


def _leave_lines(notification_id: UUID, delivery_ids: Sequence[int]) -> None:
    """Take what was cancelled out of its lines, so that those behind go on."""
    row = Notification.objects.defer("content").get(pk=notification_id)
    if not row.ordering_key:
        return
    ordering_keys.lock(
        ordering_keys.line_of(row, channel) for channel in ordering_keys.channels_of(row)
    )
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT t.chunk_id FROM delivery_chunkturn t JOIN delivery_chunk c "
            "ON c.id = t.chunk_id WHERE c.notification_id = %s AND c.state = 'done'",
            [notification_id],
        )
        ordering_keys.remove_chunks([chunk_id for (chunk_id,) in cursor.fetchall()])
    ordering.release_next(delivery_ids)


# Locks deliveries before their dead letters, in the order in which receipts are applied, and skips
# those that are locked.
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
    """Make these dead letters due again, and return the ids of those that still were dead letters.

    Skips deliveries that another transaction has locked. Runs in the caller's transaction.
    """
    with connection.cursor() as cursor:
        cursor.execute(_REDRIVE, [list(delivery_ids)])
        rows = cursor.fetchall()
    moves: counts.Moves = Counter()
    for _, notification_id, channel in rows:
        moves[notification_id, channel, DeliveryState.RETRYING] += 1
        moves[notification_id, channel, DeliveryState.DEAD] -= 1
    counts.add(moves)
    return [row[0] for row in rows]


_MAKE_DEAD = """
WITH lost AS (
    SELECT id, state FROM delivery_delivery
     WHERE id = ANY(%s) AND state IN ('failed', 'bounced') ORDER BY id FOR UPDATE SKIP LOCKED
)
UPDATE delivery_delivery d
   SET state = 'dead', reason = %s, next_attempt_at = NULL, updated_at = clock_timestamp()
  FROM lost WHERE d.id = lost.id
RETURNING d.id, d.notification_id, d.channel, lost.state
"""


def make_dead_letters(delivery_ids: Sequence[int]) -> int:
    """Make dead letters of those that failed or bounced; return how many that were.

    For deliveries that were given up for their address, once that is not believed any more: dead
    letters can be redriven. Skips deliveries that another transaction has locked. Runs in the
    caller's transaction.
    """
    if not delivery_ids:
        return 0
    with connection.cursor() as cursor:
        cursor.execute(_MAKE_DEAD, [list(delivery_ids), Reason.MANY_DEAD_ADDRESSES.value])
        rows = cursor.fetchall()
        cursor.execute(BURY, [[row[0] for row in rows]])
    deliveries_moved.send(None, moves=[(row[0], DeliveryState.DEAD) for row in rows])
    moves: counts.Moves = Counter()
    for _, notification_id, channel, before in rows:
        moves[notification_id, channel, DeliveryState.DEAD] += 1
        moves[notification_id, channel, before] -= 1
    counts.add(moves)
    return len(rows)


# What was being sent when its worker was lost may have been sent. That counts as an attempt, and it
# is sent again unless its attempts are used up: it may be what kills the workers. The attempt is
# dated by the claim, before which the call cannot have begun.
_RELEASE_LOST = f"""
WITH lost AS MATERIALIZED (
    SELECT id FROM delivery_delivery
     WHERE chunk_id = ANY(%(claims)s::bigint[]) AND state = 'sending' ORDER BY id FOR UPDATE
), judged AS (
    SELECT d.id, d.updated_at AS since, d.attempts - d.attempts_uncounted + 1
                 >= coalesce((own.retry_policy ->> 'attempts')::int,
                             jsonb_array_length(own.retry_policy -> 'schedule') + 1,
                             (%(most_attempts)s::jsonb ->> d.channel)::int) AS over
      FROM lost
      JOIN delivery_delivery d ON d.id = lost.id
      JOIN delivery_notification n ON n.id = d.notification_id
      LEFT JOIN topics_topic t ON t.id = n.topic_id
      LEFT JOIN LATERAL (
          SELECT coalesce(({OF_SUBSCRIPTION}), t.retry_policy) AS retry_policy
           WHERE d.instead_of IS NULL) own ON true
), moved AS (
    UPDATE delivery_delivery d
       SET state = CASE WHEN j.over THEN 'unknown' ELSE 'retrying' END,
           reason = 'worker_lost', attempts = d.attempts + 1,
           next_attempt_at = CASE WHEN NOT j.over THEN clock_timestamp() END,
           updated_at = clock_timestamp()
      FROM judged j
     WHERE d.id = j.id
    RETURNING d.id, d.notification_id, d.channel, d.state, d.attempts, d.provider, j.since
), attempted AS (
    INSERT INTO delivery_attempt (delivery_id, number, provider, started_at, duration_ms, outcome,
                                  reason, detail)
    SELECT id, attempts, provider, since, 0, 'unknown', 'worker_lost', ''
      FROM moved
    ON CONFLICT DO NOTHING
)
SELECT id, notification_id, channel, state FROM moved
"""


def release_lost(claim_ids: Sequence[int], most_attempts: Mapping[str, int]) -> int:
    """Release what the workers of these claims were sending; return the number of deliveries.

    Each becomes due now, or ``unknown`` where its attempts are used up. ``most_attempts``: by
    channel, for deliveries whose topic and subscription have no policy. Runs in the caller's
    transaction.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            _RELEASE_LOST,
            {
                "claims": list(claim_ids),
                "most_attempts": orjson.dumps(dict(most_attempts)).decode(),
            },
        )
        rows = cursor.fetchall()
    ordering.release_next([row[0] for row in rows if row[3] not in WAITING])
    deliveries_moved.send(None, moves=[(row[0], row[3]) for row in rows])
    moves: counts.Moves = Counter()
    for _, notification_id, channel, state in rows:
        moves[notification_id, channel, state] += 1
        moves[notification_id, channel, DeliveryState.SENDING] -= 1
    counts.add(moves)
    return len(rows)
