"""Accepting the same once within a time, where the publisher asks for it.

The same is the same content for the same audience on the same channels: equal hashes (keyed, since
a short content could be guessed from a plain one) of all three. The row that stands for them is
written in the transaction that accepts; whoever comes with the same meanwhile waits for its end.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from uuid import UUID

import orjson
from django.db import connection

from apps.delivery.accept import Draft, accept
from apps.delivery.content import Filled
from apps.delivery.models import Notification
from apps.preferences.vault import keyring

#: A day: as long as an Idempotency-Key is kept.
LONGEST = 86_400

# In the order of the hashes, so that two batches never wait for each other. What was cancelled
# did not go out, and may be posted again.
_CLAIM = """
INSERT INTO delivery_deduplication AS d (publisher_id, fingerprint, until)
SELECT %(publisher_id)s, f.fingerprint, clock_timestamp() + make_interval(secs => f.seconds)
  FROM unnest(%(fingerprints)s::bytea[], %(seconds)s::int[]) AS f (fingerprint, seconds)
 ORDER BY f.fingerprint
ON CONFLICT (publisher_id, fingerprint)
DO UPDATE SET until = excluded.until, notification_id = NULL
 WHERE d.until <= clock_timestamp()
    OR EXISTS (SELECT FROM delivery_notification n
                WHERE n.id = d.notification_id AND n.cancelled_at IS NOT NULL)
RETURNING fingerprint
"""
_FIRST = """
SELECT fingerprint, notification_id FROM delivery_deduplication
 WHERE publisher_id = %s AND fingerprint = ANY(%s::bytea[])
"""
_REMEMBER = """
UPDATE delivery_deduplication d SET notification_id = new.id
  FROM unnest(%s::bytea[], %s::uuid[]) AS new (fingerprint, id)
 WHERE d.publisher_id = %s AND d.fingerprint = new.fingerprint
"""


def accept_once(publisher_id: int, drafts: Sequence[Draft]) -> list[tuple[Notification, bool]]:
    """``accept``, but for those that are the same as one before: that one, and ``True``.

    In the caller's transaction. Raises what ``accept`` does.
    """
    asking = {
        position: _fingerprint(draft)
        for position, draft in enumerate(drafts)
        if draft.deduplicate_seconds
    }
    if not asking:
        return [(row, False) for row in accept(publisher_id, drafts)]
    # The first of a batch stands for those that are the same.
    first: dict[bytes, int] = {}
    for position, fingerprint in asking.items():
        first.setdefault(fingerprint, position)
    new = _claim(publisher_id, {key: drafts[at].deduplicate_seconds for key, at in first.items()})
    fresh = [
        position
        for position in range(len(drafts))
        if position not in asking
        or (asking[position] in new and first[asking[position]] == position)
    ]
    accepted = dict(
        zip(fresh, accept(publisher_id, [drafts[position] for position in fresh]), strict=True)
    )
    with connection.cursor() as cursor:
        ids = [str(accepted[first[key]].pk) for key in new]
        cursor.execute(_REMEMBER, [list(new), ids, publisher_id])
    earlier = _earlier(publisher_id, [key for key in first if key not in new])
    return [
        (accepted[position], False)
        if position in accepted
        else (earlier.get(asking[position]) or accepted[first[asking[position]]], True)
        for position in range(len(drafts))
    ]


def _claim(publisher_id: int, seconds: Mapping[bytes, int]) -> list[bytes]:
    """Those that nobody accepted within their time; waits for whoever is at it."""
    with connection.cursor() as cursor:
        cursor.execute(
            _CLAIM,
            {
                "publisher_id": publisher_id,
                "fingerprints": list(seconds),
                "seconds": list(seconds.values()),
            },
        )
        return [bytes(fingerprint) for (fingerprint,) in cursor.fetchall()]


def _earlier(publisher_id: int, fingerprints: Sequence[bytes]) -> dict[bytes, Notification]:
    if not fingerprints:
        return {}
    with connection.cursor() as cursor:
        cursor.execute(_FIRST, [publisher_id, list(fingerprints)])
        ids: dict[bytes, UUID] = {bytes(key): found for key, found in cursor.fetchall()}
    rows = Notification.objects.defer("content").in_bulk(list(ids.values()))
    return {key: rows[found] for key, found in ids.items()}


def _fingerprint(draft: Draft) -> bytes:
    content = draft.content
    same = {
        "content": [content.version_id, content.variables]
        if isinstance(content, Filled)
        else asdict(content),
        "topic": draft.topic.id if draft.topic else None,
        "group": draft.group_id,
        "recipients": sorted(draft.recipient_ids),
        "channels": sorted(draft.channels),
        "fallback": asdict(draft.fallback) if draft.fallback else None,
    }
    canonical = orjson.dumps(same, option=orjson.OPT_SORT_KEYS)
    return keyring().blind_index("deduplicate", hashlib.sha256(canonical).hexdigest())
