"""Read what changed in many inboxes at once: the statements of the stream."""

import logging
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from typing import NamedTuple
from uuid import UUID

from django.db import DatabaseError, connection

from apps.core import arrays, clock, tracing
from apps.inbox.feed import versions
from apps.inbox.models import InboxItem
from apps.inbox.selectors import COUNTED, Counts

log = logging.getLogger(__name__)

#: Changes of one inbox that one read returns, and all of the same version as the last: changes of
#: before ``versions.PER_VERSION`` have one, however many they are.
PAGE = 100
_COLUMNS = tuple(field.attname for field in InboxItem._meta.concrete_fields)
_OF_ITEM = tuple(name for name in _COLUMNS if name not in ("id", "version"))

_STATES = f"""
SELECT r.user_id, r.id, coalesce(f.version, 0), c.unread, c.unseen
  FROM preferences_recipient r
  LEFT JOIN inbox_feed f ON f.recipient_id = r.id
 CROSS JOIN LATERAL ({COUNTED}) AS c
 WHERE r.user_id = ANY(%(user_ids)s::text[])
"""
_CHANGES = f"""
SELECT a.recipient_id, a.since, u.*
  FROM unnest(%(recipient_ids)s::bigint[], %(sinces)s::bigint[]) AS a (recipient_id, since)
 CROSS JOIN LATERAL (
    SELECT * FROM (
        SELECT version, id, TRUE AS there, {", ".join(_OF_ITEM)}
          FROM inbox_inboxitem
         WHERE recipient_id = a.recipient_id AND version > a.since AND expires_at > %(now)s
         UNION ALL
        SELECT version, item_id, FALSE, {", ".join("NULL" for _ in _OF_ITEM)}
          FROM inbox_deletion
         WHERE recipient_id = a.recipient_id AND version > a.since
    ) AS both_kinds
     ORDER BY version FETCH FIRST {PAGE} ROWS WITH TIES
 ) AS u
 ORDER BY a.recipient_id, a.since, u.version, u.id
"""
_PLACES = """
SELECT id, traceparent FROM delivery_notification
 WHERE id = ANY(%s::uuid[]) AND traceparent IS NOT NULL
"""
_VERSIONS = "SELECT recipient_id, version FROM inbox_feed WHERE recipient_id = ANY(%s::bigint[])"


class State(NamedTuple):
    """A person's inbox now: the version of its last change, and what is unread and unseen."""

    recipient_id: int
    version: int
    counts: Counts


class Row(NamedTuple):
    """A change: the item as it is now, ``None`` where it was deleted."""

    version: int
    item_id: int
    item: InboxItem | None


class Since(NamedTuple):
    """Asks for the changes of an inbox after a version."""

    recipient_id: int
    version: int


class Missed(NamedTuple):
    """Changes after a version, the oldest first. ``complete``: these are all of them."""

    rows: list[Row]
    complete: bool


def states(user_ids: Collection[str]) -> dict[str, State]:
    """Return the inboxes of those of these people who are registered."""
    with connection.cursor() as cursor:
        cursor.execute(_STATES, {"user_ids": arrays.texts(user_ids), "now": clock.moment()})
        return {
            user_id: State(recipient_id, version, Counts(unread, unseen))
            for user_id, recipient_id, version, unread, unseen in cursor.fetchall()
        }


def changes(wanted: Collection[Since]) -> Mapping[Since, Missed]:
    """Return what changed in each inbox after a version; inboxes without changes are left out."""
    found: defaultdict[Since, list[Row]] = defaultdict(list)
    with connection.cursor() as cursor:
        cursor.execute(
            _CHANGES,
            {
                "recipient_ids": arrays.numbers(since.recipient_id for since in wanted),
                "sinces": arrays.numbers(since.version for since in wanted),
                "now": clock.moment(),
            },
        )
        for recipient_id, since, version, item_id, there, *values in cursor.fetchall():
            item = _item(item_id, version, values) if there else None
            found[Since(recipient_id, since)].append(Row(version, item_id, item))
    return {since: Missed(rows, len(rows) < PAGE) for since, rows in found.items()}


def places(rows: Iterable[Row]) -> dict[UUID, bytes]:
    """Return where notifications that are new in an inbox belong in a trace, by their ids.

    Of those alone that are sampled; without a query where traces are off. None if it fails: call it
    outside a transaction.
    """
    if tracing.tracer is None:
        return {}
    new = [
        row.item.notification_id
        for row in rows
        if row.item is not None
        and row.item.notification_id is not None
        and row.item.seen_at is None
    ]
    if not new:
        return {}
    try:
        with connection.cursor() as cursor:
            cursor.execute(_PLACES, [arrays.uuids(new)])
            return {key: bytes(place) for key, place in cursor}
    except DatabaseError as error:
        log.warning("spans of the stream are missing: %s", type(error).__name__)
        return {}


def latest(recipient_ids: Iterable[int]) -> dict[int, int]:
    """Return the version of each of these inboxes that has one."""
    with connection.cursor() as cursor:
        cursor.execute(_VERSIONS, [arrays.numbers(recipient_ids)])
        return dict(cursor.fetchall())


def is_known(since: int, state: State, *, listening: bool) -> bool:
    """Return whether all that changed after a version can still be told.

    ``listening``: to a connection that was there when anything after it changed. A version from
    before anything changed (0) always can. A later one than the inbox has comes from a database
    that was since replaced by an older one.
    """
    if since > state.version:
        return False
    if listening:
        return True
    oldest = clock.moment() - versions.REPLAYED
    return since == 0 or since == state.version or since >= oldest.timestamp() * 1_000_000


def _item(item_id: int, version: int, values: list[object]) -> InboxItem:
    named = dict(zip(_OF_ITEM, values, strict=True), id=item_id, version=version)
    return InboxItem.from_db("default", _COLUMNS, [named[name] for name in _COLUMNS])
