"""Accepting the same once within a time, where the publisher asks for it.

The same is the same content for the same audience on the same channels: equal hashes (keyed, since
a short content could be guessed from a plain one) of all three. The row that stands for them is
written in the transaction that accepts; another that comes with the same meanwhile waits for its
end.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import NamedTuple
from uuid import UUID

import orjson
from django.db import connection

from apps.core import arrays
from apps.delivery.intake.drafts import Draft
from apps.delivery.models import Notification
from apps.delivery.sealed_content import TemplateContent
from apps.preferences.vault import keyring

#: A day: as long as an Idempotency-Key is kept.
LONGEST = 86_400

# In the order of the hashes, so that two transactions never wait for each other. What was cancelled
# did not go out, and may be posted again.
_CLAIM = """
INSERT INTO delivery_deduplication AS d (publisher_id, fingerprint, notification_id, until)
SELECT f.publisher_id, f.fingerprint, f.id,
       clock_timestamp() + make_interval(secs => f.seconds)
  FROM unnest(%s::bigint[], %s::bytea[], %s::uuid[], %s::int[])
    AS f (publisher_id, fingerprint, id, seconds)
 ORDER BY f.publisher_id, f.fingerprint
ON CONFLICT (publisher_id, fingerprint)
DO UPDATE SET until = excluded.until, notification_id = excluded.notification_id
 WHERE d.until <= clock_timestamp()
    OR EXISTS (SELECT FROM delivery_notification n
                WHERE n.id = d.notification_id AND n.cancelled_at IS NOT NULL)
RETURNING notification_id
"""
_EARLIER = """
SELECT d.publisher_id, d.fingerprint, d.notification_id
  FROM unnest(%s::bigint[], %s::bytea[]) AS f (publisher_id, fingerprint)
  JOIN delivery_deduplication d USING (publisher_id, fingerprint)
"""

#: A publisher and a hash.
Same = tuple[int, bytes]


class Item(NamedTuple):
    """A draft, and the id that its notification gets where it is accepted."""

    id: UUID
    publisher_id: int
    draft: Draft


class Repeated(NamedTuple):
    """What stands for drafts that are not accepted again, by their ids.

    ``earlier`` are notifications, ``first`` the ids of drafts that came before in the same call.
    """

    earlier: Mapping[UUID, Notification]
    first: Mapping[UUID, UUID]

    def __contains__(self, id: object) -> bool:
        return id in self.earlier or id in self.first


def repeated(items: Sequence[Item]) -> Repeated:
    """Which of the items are the same as one before; the others are claimed, if they ask for it.

    In the transaction that accepts those. Waits for another that is accepting the same.
    """
    asking = [
        (item, (item.publisher_id, _fingerprint(item.draft)))
        for item in items
        if item.draft.deduplicate_seconds
    ]
    if not asking:
        return Repeated({}, {})
    first: dict[Same, Item] = {}
    for item, same in asking:
        first.setdefault(same, item)
    new = _claim(first)
    earlier = _earlier([same for same, item in first.items() if item.id not in new])
    return Repeated(
        {item.id: earlier[same] for item, same in asking if same in earlier},
        {
            item.id: first[same].id
            for item, same in asking
            if same not in earlier and first[same] is not item
        },
    )


def _claim(first: Mapping[Same, Item]) -> set[UUID]:
    """The ids of those that nobody accepted within their time."""
    with connection.cursor() as cursor:
        cursor.execute(
            _CLAIM,
            [
                arrays.numbers(publisher_id for publisher_id, _ in first),
                arrays.blobs(fingerprint for _, fingerprint in first),
                arrays.uuids(item.id for item in first.values()),
                arrays.numbers(item.draft.deduplicate_seconds for item in first.values()),
            ],
        )
        return {found for (found,) in cursor.fetchall()}


def _earlier(same: Sequence[Same]) -> dict[Same, Notification]:
    if not same:
        return {}
    with connection.cursor() as cursor:
        cursor.execute(
            _EARLIER,
            [
                arrays.numbers(publisher_id for publisher_id, _ in same),
                arrays.blobs(fingerprint for _, fingerprint in same),
            ],
        )
        ids = {(owner, bytes(fingerprint)): found for owner, fingerprint, found in cursor}
    rows = Notification.objects.defer("content").in_bulk(list(ids.values()))
    return {key: rows[found] for key, found in ids.items()}


def _fingerprint(draft: Draft) -> bytes:
    content = draft.content
    same = {
        "content": [content.version_id, content.variables]
        if isinstance(content, TemplateContent)
        else asdict(content),
        "topic": draft.topic.id if draft.topic else None,
        "group": draft.group_id,
        "recipients": sorted(draft.recipient_ids),
        "channels": sorted(draft.channels),
        "fallback": asdict(draft.fallback) if draft.fallback else None,
    }
    canonical = orjson.dumps(same, option=orjson.OPT_SORT_KEYS)
    return keyring().blind_index("deduplicate", hashlib.sha256(canonical).hexdigest())
