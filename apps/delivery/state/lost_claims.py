"""Release what a lost worker was sending."""

from collections import Counter
from collections.abc import Mapping, Sequence

import orjson
from django.db import connection

from apps.delivery.state import counts, ordering
from apps.delivery.state.digests import following
from apps.delivery.state.retry_policies import OF_SUBSCRIPTION
from apps.delivery.state.signals import deliveries_moved
from notifier.domain.states import WAITING, DeliveryState

# A delivery that a lost worker was sending may have been sent. That counts as an attempt, and it is
# sent again unless its attempts are used up: it may be what kills the workers. The attempt is dated
# by the claim, before which the call cannot have begun.
_RELEASE_LOST = f"""
WITH lost AS MATERIALIZED (
    SELECT id FROM delivery_delivery
     WHERE chunk_id = ANY(%(claims)s::bigint[]) AND state = 'sending' AND told_in IS NULL
     ORDER BY id FOR UPDATE
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
    followed = following.follow([row[0] for row in rows])
    deliveries_moved.send(
        None, moves=[(row[0], row[3]) for row in rows] + following.signals(followed)
    )
    moves: counts.Moves = Counter()
    for _, notification_id, channel, state in rows:
        moves[notification_id, channel, state] += 1
        moves[notification_id, channel, DeliveryState.SENDING] -= 1
    moves.update(following.moves(followed))
    counts.add(moves)
    return len(rows)
