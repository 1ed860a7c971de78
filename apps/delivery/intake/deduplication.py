"""Deduplication: accept the same notification once within a time that the publisher chooses.

Notifications are the same if content, audience, channels and the category named are, and so their
hashes. The hash is
keyed, because short content could be guessed from a plain one. The row with the hash is written in
the transaction that accepts the notification; another request with the same hash waits for the end
of that transaction.
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
from apps.delivery.state.steps import plan
from apps.preferences.vault import keyring

#: Seconds: a day, which is also how long an Idempotency-Key is kept by default.
LONGEST = 86_400

# Rows are inserted in the order of the hashes, so that no two transactions deadlock. A cancelled
# notification may be posted again.
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

#: A publisher's id and a hash.
PublisherFingerprint = tuple[int, bytes]


class Candidate(NamedTuple):
    """A draft with the id that its notification gets if it is accepted."""

    id: UUID
    publisher_id: int
    draft: Draft


class Repetitions(NamedTuple):
    """Candidates that repeat an earlier notification or another candidate.

    ``earlier``: the accepted notification, by the candidate's id. ``first``: the id of the first
    equal candidate of the same call, by the id of the one that repeats it.
    """

    earlier: Mapping[UUID, Notification]
    first: Mapping[UUID, UUID]

    def __contains__(self, id: object) -> bool:
        return id in self.earlier or id in self.first


def find_repetitions(items: Sequence[Candidate]) -> Repetitions:
    """Find the candidates that are repetitions, and store the hashes of the others.

    Only candidates with ``deduplicate_seconds`` take part. Runs in the transaction that accepts the
    others, and waits for a concurrent one that is accepting the same.
    """
    asking = [
        (item, (item.publisher_id, _fingerprint(item.draft)))
        for item in items
        if item.draft.deduplicate_seconds
    ]
    if not asking:
        return Repetitions({}, {})
    first: dict[PublisherFingerprint, Candidate] = {}
    for item, same in asking:
        first.setdefault(same, item)
    new = _claim(first)
    earlier = _earlier([same for same, item in first.items() if item.id not in new])
    return Repetitions(
        {item.id: earlier[same] for item, same in asking if same in earlier},
        {
            item.id: first[same].id
            for item, same in asking
            if same not in earlier and first[same] is not item
        },
    )


def _claim(first: Mapping[PublisherFingerprint, Candidate]) -> set[UUID]:
    """Insert the hashes; return the ids of the candidates that are the first of their kind."""
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


def _earlier(same: Sequence[PublisherFingerprint]) -> dict[PublisherFingerprint, Notification]:
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
    same: dict[str, object] = {
        "content": [content.version_id, content.variables]
        if isinstance(content, TemplateContent)
        else asdict(content),
        "topic": draft.topic.id if draft.topic else None,
        "group": draft.group_id,
        "recipients": sorted(draft.recipient_ids),
        "channels": sorted(draft.channels),
        "fallback": asdict(draft.fallback) if draft.fallback else None,
    }
    if isinstance(content, TemplateContent) and content.inbox:
        same["inbox"] = asdict(content.inbox)
    if draft.steps:
        same["steps"] = plan.stored(draft.steps)
    if draft.category_named and draft.category is not None:
        same["category"] = draft.category.name
    canonical = orjson.dumps(same, option=orjson.OPT_SORT_KEYS)
    return keyring().blind_index("deduplicate", hashlib.sha256(canonical).hexdigest())
