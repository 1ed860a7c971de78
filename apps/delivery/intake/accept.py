"""Acceptance of drafts: write their rows with one statement, then ring the doorbells.

Most requests insert one row of each kind, for which ``bulk_create`` would take a fifth of the time
of an acceptance.
"""

from collections import Counter as Tally
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID

import orjson
from django.conf import settings
from django.db import connection, transaction
from prometheus_client import Counter
from uuid_utils.compat import uuid7

from apps.core import arrays, clock, tracing
from apps.delivery import sealed_content
from apps.delivery.intake.drafts import Draft
from apps.delivery.intake.rows import NewChunk, NewKey, NewNotification
from apps.delivery.models import Chunk, ChunkKind, Notification
from apps.delivery.ordering import ordering_keys
from apps.delivery.outbox import doorbells
from apps.delivery.outbox.queues import Queue
from apps.delivery.sealed_content import TemplateContent
from apps.delivery.state.steps import plan
from apps.publishers import daily_quota
from apps.publishers.daily_quota import Account
from notifier.domain.categories import DEFAULT, fold
from notifier.domain.times import local_time

#: The lead with which an audience is cut by time zones, before its local time comes anywhere: long
#: enough to cut millions of people, short enough to include late subscribers and movers.
CUT_BEFORE = timedelta(minutes=15)

ACCEPTED = Counter("notifier_accepted_total", "Notifications accepted, by priority.", ["priority"])


class Stored(NamedTuple):
    """The result of ``write``.

    ``chunk_ids``: ascending, in the order of the chunks. ``keys``: number of keys that were new.
    """

    chunk_ids: Sequence[int]
    keys: int


# Columns that are lists are passed as text, because an array of arrays must be rectangular. The ids
# of chunks ascend in the order of acceptance.
_ROWS = """
WITH stored AS (
    INSERT INTO delivery_notification
           (id, publisher_id, kind, topic_id, group_id, reachable_only, template_version_id,
            priority, category, category_kind, other_category, channels, content, collapse_key,
            ordering_key, reference, metadata, digest, fallback_channel, fallback_after, steps,
            send_at, send_at_local, local_time_passed, expires_at, created_at, counts_kept,
            replay_of, traceparent)
    SELECT id, publisher_id, kind, topic_id, group_id, reachable_only, template_version_id,
           priority, category, category_kind, other_category, channels::varchar[], content,
           collapse_key, ordering_key, reference, metadata, digest::jsonb, fallback_channel,
           fallback_after, steps, send_at, send_at_local, local_time_passed, expires_at,
           created_at, counts_kept, replay_of, traceparent
      FROM unnest(%s::uuid[], %s::bigint[], %s::text[], %s::bigint[], %s::bigint[], %s::bool[],
                  %s::bigint[], %s::text[], %s::text[], %s::text[], %s::bool[], %s::text[],
                  %s::bytea[], %s::text[], %s::text[], %s::text[], %s::jsonb[], %s::text[],
                  %s::text[], %s::int[], %s::jsonb[], %s::timestamptz[], %s::text[], %s::text[],
                  %s::timestamptz[], %s::timestamptz[], %s::bool[], %s::uuid[], %s::bytea[])
        AS n (id, publisher_id, kind, topic_id, group_id, reachable_only, template_version_id,
              priority, category, category_kind, other_category, channels, content, collapse_key,
              ordering_key, reference, metadata, digest, fallback_channel, fallback_after, steps,
              send_at, send_at_local, local_time_passed, expires_at, created_at, counts_kept,
              replay_of, traceparent)
), cut AS (
    INSERT INTO delivery_chunk
           (notification_id, publisher_id, kind, channel, priority, recipient_ids, contact_ids,
            size, due_at, ready_at, step, member_ids, state, fence)
    SELECT notification_id, publisher_id, kind, channel, priority, recipient_ids::bigint[],
           contact_ids::bigint[], size, due_at, ready_at, step, member_ids::bigint[], 'queued', 0
      FROM unnest(%s::uuid[], %s::bigint[], %s::text[], %s::text[], %s::text[], %s::text[],
                  %s::text[], %s::int[], %s::timestamptz[], %s::timestamptz[], %s::smallint[],
                  %s::text[])
      WITH ORDINALITY
        AS c (notification_id, publisher_id, kind, channel, priority, recipient_ids, contact_ids,
              size, due_at, ready_at, step, member_ids, place)
     ORDER BY place
    RETURNING id
)"""
_KEYS = """, kept AS (
    INSERT INTO delivery_idempotencykey
           (publisher_id, key, fingerprint, status, answer, created_at)
    SELECT publisher_id, key, fingerprint, status, answer, clock_timestamp()
      FROM unnest(%s::bigint[], %s::text[], %s::bytea[], %s::int[], %s::jsonb[])
        AS k (publisher_id, key, fingerprint, status, answer)
    ON CONFLICT (publisher_id, key) DO NOTHING
    RETURNING 1
)"""
_COUNTS = f""", counted AS ({daily_quota.COUNT})"""
_IDS = "ARRAY(SELECT id FROM cut ORDER BY id)"


def accept(publisher_id: int, drafts: Sequence[Draft]) -> list[NewNotification]:
    """Store drafts that the service itself makes, and ring the doorbells after the commit.

    Joins the caller's transaction if there is one. Uses up no quota. Drafts without a place of
    their own belong in the trace of the request at hand.
    """
    accepted_at = clock.moment()
    request = tracing.current.get()
    place = request.place if request is not None else None
    rows = [
        notification_row(uuid7(), publisher_id, draft, accepted_at, draft.traceparent or place)
        for draft in drafts
    ]
    with transaction.atomic(savepoint=False):  # an error rolls the caller's work back as well
        write(rows, drafts)
    return rows


def write(
    rows: Sequence[NewNotification],
    drafts: Sequence[Draft],
    keys: Sequence[NewKey] = (),
    counts: Mapping[Account, int] | None = None,
) -> Stored:
    """Store notifications with their first chunks, idempotency keys and counts.

    ``rows`` and ``drafts`` correspond to each other. ``counts``: notifications to add to the day's
    count of each account. A key that exists already is left as it is; the caller must roll back
    then. Runs in the caller's transaction; the doorbells ring after its commit.
    """
    ordered = [Notification(**row._asdict()) for row in rows if row.ordering_key]
    ordering_keys.serialize_acceptance(ordered)
    chunks = [
        chunk for row, draft in zip(rows, drafts, strict=True) for chunk in _chunks(row, draft)
    ]
    stored = _store(rows, chunks, keys, counts or {})
    if ordered:
        numbered = zip(stored.chunk_ids, chunks, strict=True)
        ordering_keys.add_chunks(
            ordered, [Chunk(pk=number, **chunk._asdict()) for number, chunk in numbered]
        )
    if rows:
        _ring(chunks, rows[0].created_at)
        transaction.on_commit(lambda: _count(rows))
    return stored


def _store(
    notifications: Sequence[NewNotification],
    chunks: Sequence[NewChunk],
    keys: Sequence[NewKey],
    counts: Mapping[Account, int],
) -> Stored:
    """Insert all rows with one statement, in the caller's transaction."""
    counted = sorted(counts.items())  # a fixed order, so that no two transactions deadlock
    statement = _ROWS
    values = [*_columns(_NOTIFICATION, notifications), *_columns(_CHUNK, chunks)]
    if keys:
        statement += _KEYS
        values += _columns(_KEY, keys)
    if counted:
        statement += _COUNTS
        values += _columns(
            (arrays.numbers,) * 3,
            [(account.publisher_id, account.slot(), number) for account, number in counted],
        )
    statement += f" SELECT {_IDS}, {'(SELECT count(*) FROM kept)' if keys else '0'}"
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        return Stored(*cursor.fetchone())


def _columns(writers: Sequence[arrays.Writer], rows: Sequence[Sequence[object]]) -> list[str]:
    """Format each column of the rows as an array literal, with its writer."""
    columns = zip(*rows, strict=True) if rows else [()] * len(writers)
    return [write(column) for write, column in zip(writers, columns, strict=True)]


def _ring(chunks: Iterable[NewChunk], accepted_at: datetime) -> None:
    """Ring after the commit. Workers find chunks that are for later when these are due."""
    queues = {
        Queue(chunk.channel, chunk.priority) for chunk in chunks if chunk.ready_at <= accepted_at
    }
    transaction.on_commit(lambda: doorbells.ring(queues))


def _count(rows: Iterable[NewNotification]) -> None:
    for priority, number in Tally(row.priority for row in rows).items():
        ACCEPTED.labels(priority).inc(number)


def notification_row(
    notification_id: UUID,
    publisher_id: int,
    draft: Draft,
    accepted_at: datetime,
    traceparent: bytes | None = None,
) -> NewNotification:
    """Build the row of a draft. ``accepted_at`` is the database's time."""
    local = draft.local
    send_at = draft.send_at if local is None else local_time.earliest(local.wall)
    if draft.topic is not None and draft.topic.delay:
        send_at = (send_at or accepted_at) + timedelta(seconds=draft.topic.delay)
    content = draft.content
    return NewNotification(
        id=notification_id,
        publisher_id=publisher_id,
        kind=draft.kind,
        topic_id=draft.topic.id if draft.topic else None,
        group_id=draft.group_id,
        reachable_only=draft.reachable_only,
        template_version_id=content.version_id if isinstance(content, TemplateContent) else None,
        priority=draft.priority,
        category=draft.category.name if draft.category else "",
        category_kind=draft.category.kind if draft.category else "",
        other_category=_is_other(draft),
        channels=draft.channels,
        content=sealed_content.seal(notification_id, content),
        collapse_key=draft.collapse_key,
        ordering_key=draft.ordering_key,
        reference=draft.reference,
        metadata=orjson.dumps(draft.metadata).decode() if draft.metadata else None,
        digest=draft.digest.as_json() if draft.digest else None,
        fallback_channel=draft.fallback.channel if draft.fallback else "",
        fallback_after=draft.fallback.after if draft.fallback else None,
        steps=orjson.dumps(plan.stored(draft.steps)).decode() if draft.steps else None,
        send_at=send_at,
        send_at_local=local.wall.isoformat() if local else "",
        local_time_passed=local.passed if local else "",
        expires_at=draft.expires_at,
        created_at=accepted_at,
        counts_kept=_has_many(draft),
        replay_of=draft.replay_of,
        traceparent=traceparent,
    )


def _has_many(draft: Draft) -> bool:
    """Return whether it goes to more than one recipient or endpoint, as far as is known."""
    if draft.topic is not None or draft.group_id is not None or plan.shared(draft.steps):
        return True
    named = {one for part in draft.slices for one in part.ids}
    return len(draft.recipient_ids) + len(draft.contact_ids) + len(named) > 1


def _is_other(draft: Draft) -> bool:
    """Return whether it goes to a topic, in a category that is not the topic's."""
    if draft.topic is None or draft.category is None:
        return False
    return draft.category.name != (fold(draft.topic.category) or DEFAULT)


def _chunks(row: NewNotification, draft: Draft) -> Iterator[NewChunk]:
    """Build the first chunks: one to be cut for a topic or group, slices for named recipients."""
    ready_at = (row.send_at if row.is_scheduled() else None) or row.created_at

    def chunk(
        kind: str,
        channel: str = "",
        recipients: Sequence[int] | None = None,
        contacts: Sequence[int] | None = None,
        members: Sequence[int] | None = None,
        after: float = 0,
        step: int = 0,
    ) -> NewChunk:
        ready = ready_at + timedelta(seconds=after)
        return NewChunk(
            notification_id=row.id,
            publisher_id=row.publisher_id,
            kind=kind,
            channel=channel,
            priority=row.priority,
            recipient_ids=recipients,
            contact_ids=contacts,
            size=len(recipients or contacts or members or ()),
            due_at=ready,
            ready_at=ready,
            step=step,
            member_ids=members,
        )

    if draft.slices:
        for part in draft.slices:
            if part.kind == ChunkKind.NAMED:
                yield chunk(part.kind, part.channel, part.ids)
            else:
                yield chunk(part.kind, part.channel, members=part.ids)
        return
    if draft.contact_ids:
        [channel] = draft.channels
        for ids in _slices(draft.contact_ids):
            yield chunk(ChunkKind.ENDPOINT, channel, contacts=ids)
        return
    if draft.local is not None:
        ready_at = max(row.created_at, ready_at - CUT_BEFORE)
        yield chunk(ChunkKind.WHOLE, recipients=draft.recipient_ids or None)
        return
    if draft.topic is not None or draft.group_id is not None:
        yield chunk(ChunkKind.WHOLE)
        return
    for channel in draft.channels:
        for ids in _slices(draft.recipient_ids):
            yield chunk(ChunkKind.NAMED, channel, ids)
    if draft.fallback is not None:
        for ids in _slices(draft.recipient_ids):
            yield chunk(ChunkKind.NAMED, draft.fallback.channel, ids, after=draft.fallback.after)
    for step in draft.steps:
        if step.group_id is not None:
            yield chunk(ChunkKind.MEMBERS, step.channel, after=step.due, step=step.number)
            continue
        for ids in _slices(draft.recipient_ids):
            yield chunk(ChunkKind.NAMED, step.channel, ids, after=step.due, step=step.number)


def _slices(ids: Sequence[int]) -> Iterator[Sequence[int]]:
    for start in range(0, len(ids), settings.CHUNK_SIZE):
        yield ids[start : start + settings.CHUNK_SIZE]


_NOTIFICATION = (
    arrays.uuids,
    arrays.numbers,
    arrays.texts,
    arrays.numbers,
    arrays.numbers,
    arrays.numbers,
    arrays.numbers,
    arrays.texts,
    arrays.texts,
    arrays.texts,
    arrays.numbers,
    lambda channels: arrays.texts(map(arrays.texts, channels)),
    arrays.blobs,
    arrays.texts,
    arrays.texts,
    arrays.texts,
    arrays.texts,
    arrays.texts,
    arrays.texts,
    arrays.numbers,
    arrays.texts,
    arrays.times,
    arrays.texts,
    arrays.texts,
    arrays.times,
    arrays.times,
    arrays.numbers,
    arrays.uuids,
    arrays.blobs,
)
_CHUNK = (
    arrays.uuids,
    arrays.numbers,
    arrays.texts,
    arrays.texts,
    arrays.texts,
    arrays.lists,
    arrays.lists,
    arrays.numbers,
    arrays.times,
    arrays.times,
    arrays.numbers,
    arrays.lists,
)
_KEY = (arrays.numbers, arrays.texts, arrays.blobs, arrays.numbers, arrays.texts)
