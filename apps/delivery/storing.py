"""Storing accepted notifications with their first chunks: one statement, however many they are.

``bulk_create`` takes a fifth of an acceptance's time for what is one row mostly.
"""

from collections.abc import Sequence

from django.db import connection

from apps.delivery.models import Chunk, Notification
from apps.publishers import arrays

# What is a list itself comes as text: an array of arrays would have to be rectangular. The chunks'
# ids are in their order, which is the order of acceptance.
_STORE = """
WITH stored AS (
    INSERT INTO delivery_notification
           (id, publisher_id, kind, topic_id, group_id, reachable_only, template_version_id,
            priority, channels, content, collapse_key, ordering_key, fallback_channel,
            fallback_after, send_at, expires_at, created_at)
    SELECT id, publisher_id, kind, topic_id, group_id, reachable_only, template_version_id,
           priority, channels::varchar[], content, collapse_key, ordering_key, fallback_channel,
           fallback_after, send_at, expires_at, created_at
      FROM unnest(%s::uuid[], %s::bigint[], %s::text[], %s::bigint[], %s::bigint[], %s::bool[],
                  %s::bigint[], %s::text[], %s::text[], %s::bytea[], %s::text[], %s::text[],
                  %s::text[], %s::int[], %s::timestamptz[], %s::timestamptz[],
                  %s::timestamptz[])
        AS n (id, publisher_id, kind, topic_id, group_id, reachable_only, template_version_id,
              priority, channels, content, collapse_key, ordering_key, fallback_channel,
              fallback_after, send_at, expires_at, created_at)
)
INSERT INTO delivery_chunk
       (notification_id, kind, channel, priority, recipient_ids, contact_ids, state, fence,
        due_at, ready_at)
SELECT notification_id, kind, channel, priority, recipient_ids::bigint[], contact_ids::bigint[],
       state, fence, due_at, ready_at
  FROM unnest(%s::uuid[], %s::text[], %s::text[], %s::text[], %s::text[], %s::text[], %s::text[],
              %s::int[], %s::timestamptz[], %s::timestamptz[])
  WITH ORDINALITY
    AS c (notification_id, kind, channel, priority, recipient_ids, contact_ids, state, fence,
          due_at, ready_at, place)
 ORDER BY place
RETURNING id
"""


def store(notifications: Sequence[Notification], chunks: Sequence[Chunk]) -> None:
    """Insert all of them; the chunks get their ids, ascending. In the caller's transaction."""
    with connection.cursor() as cursor:
        cursor.execute(_STORE, [*_columns(notifications), *_chunk_columns(chunks)])
        for chunk, (chunk_id,) in zip(chunks, cursor.fetchall(), strict=True):
            chunk.pk = chunk_id


def _columns(rows: Sequence[Notification]) -> list[str]:
    return [
        arrays.texts(str(row.pk) for row in rows),
        arrays.numbers(row.publisher_id for row in rows),
        arrays.texts(row.kind for row in rows),
        arrays.numbers(row.topic_id for row in rows),
        arrays.numbers(row.group_id for row in rows),
        arrays.numbers(row.reachable_only for row in rows),
        arrays.numbers(row.template_version_id for row in rows),
        arrays.texts(row.priority for row in rows),
        arrays.texts(arrays.texts(row.channels) for row in rows),
        arrays.blobs(row.content for row in rows),
        arrays.texts(row.collapse_key for row in rows),
        arrays.texts(row.ordering_key for row in rows),
        arrays.texts(row.fallback_channel for row in rows),
        arrays.numbers(row.fallback_after for row in rows),
        arrays.times(row.send_at for row in rows),
        arrays.times(row.expires_at for row in rows),
        arrays.times(row.created_at for row in rows),
    ]


def _chunk_columns(rows: Sequence[Chunk]) -> list[str]:
    return [
        arrays.texts(str(row.notification_id) for row in rows),
        arrays.texts(row.kind for row in rows),
        arrays.texts(row.channel for row in rows),
        arrays.texts(row.priority for row in rows),
        arrays.lists(row.recipient_ids for row in rows),
        arrays.lists(row.contact_ids for row in rows),
        arrays.texts(row.state for row in rows),
        arrays.numbers(row.fence for row in rows),
        arrays.times(row.due_at for row in rows),
        arrays.times(row.ready_at for row in rows),
    ]
