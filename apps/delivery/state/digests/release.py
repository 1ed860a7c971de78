"""Close digests: nothing joins them any more, or their time is now."""

from collections.abc import Collection, Sequence

from django.db import connection

from notifier.domain.outcomes import Reason

_CLOSE = """
DELETE FROM delivery_opendigest WHERE id = ANY(ARRAY(
    SELECT id FROM delivery_opendigest WHERE delivery_id = ANY(%s::bigint[])
     ORDER BY contact_id, publisher_id, category, key, topic_id FOR UPDATE {locked}))
RETURNING delivery_id
"""
_STILL_OPEN = "SELECT delivery_id FROM delivery_opendigest WHERE delivery_id = ANY(%s::bigint[])"
_DUE = """
UPDATE delivery_delivery d SET next_attempt_at = clock_timestamp()
  FROM delivery_opendigest o
 WHERE o.recipient_id = ANY(%s::bigint[]) AND d.id = o.delivery_id AND d.state = 'retrying'
   AND d.reason = %s AND d.next_attempt_at > clock_timestamp()
"""


def close(delivery_ids: Sequence[int]) -> None:
    """Let nothing join these digests any more; wait for claims that join them now."""
    with connection.cursor() as cursor:
        cursor.execute(_CLOSE.format(locked=""), [list(delivery_ids)])


def close_unlocked(delivery_ids: Sequence[int]) -> set[int]:
    """Close these digests; return those that stay open, because a claim that joins has them."""
    ids = list(delivery_ids)
    with connection.cursor() as cursor:
        cursor.execute(_CLOSE.format(locked="SKIP LOCKED"), [ids])
        cursor.execute(_STILL_OPEN, [ids])
        return {delivery_id for (delivery_id,) in cursor.fetchall()}


def make_due(recipient_ids: Collection[int]) -> None:
    """Have these people's open digests told now: they chose another time, or none."""
    if not recipient_ids:
        return
    with connection.cursor() as cursor:
        cursor.execute(_DUE, [list(recipient_ids), Reason.DIGEST])
