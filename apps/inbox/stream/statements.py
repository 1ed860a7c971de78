"""Read what changed in many inboxes at once: the statements of the stream."""

import logging
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import NamedTuple
from uuid import UUID

from django.db import DatabaseError, connection, transaction

from apps.core import arrays, clock, tracing
from apps.inbox.feed import versions
from apps.inbox.models import InboxItem
from apps.inbox.selectors import COUNTED, Counts

log = logging.getLogger(__name__)

#: Changes of one inbox that one read returns, and bytes of contents after which it returns no more.
PAGE, PAGE_BYTES = 100, 256 * 1024
#: An item's id at which its version has been sent as a whole.
WHOLE = 2**63 - 1
_COLUMNS = tuple(field.attname for field in InboxItem._meta.concrete_fields)
_OF_ITEM = tuple(name for name in _COLUMNS if name not in ("id", "version"))

_STATES = f"""
SELECT r.user_id, r.id, coalesce(f.version, 0), c.unread, c.unseen
  FROM preferences_recipient r
  LEFT JOIN inbox_feed f ON f.recipient_id = r.id
 CROSS JOIN LATERAL ({COUNTED}) AS c
 WHERE r.user_id = ANY(%(user_ids)s::text[])
"""
# Each inner query reads its index in order, and no more of it than a page and the change after it.
_CHANGES = f"""
SELECT a.recipient_id, a.since, a.item_id,
       u.version, u.id, u.next, u.there, {", ".join(f"u.{name}" for name in _OF_ITEM)}
  FROM unnest(%(recipient_ids)s::bigint[], %(sinces)s::bigint[], %(item_ids)s::bigint[])
       AS a (recipient_id, since, item_id)
 CROSS JOIN LATERAL (
    SELECT *, row_number() OVER sent AS place, lead(version) OVER sent AS next,
           sum(octet_length(content)) OVER sent - coalesce(octet_length(content), 0) AS before
      FROM (
        (SELECT version, id, TRUE AS there, {", ".join(_OF_ITEM)}
           FROM inbox_inboxitem
          WHERE recipient_id = a.recipient_id AND (version, id) > (a.since, a.item_id)
            AND expires_at > %(now)s
          ORDER BY version, id LIMIT {PAGE + 1})
         UNION ALL
        (SELECT version, item_id, FALSE, {", ".join("NULL" for _ in _OF_ITEM)}
           FROM inbox_deletion
          WHERE recipient_id = a.recipient_id AND (version, item_id) > (a.since, a.item_id)
          ORDER BY version, item_id LIMIT {PAGE + 1})
      ) AS both_kinds
    WINDOW sent AS (ORDER BY version, id ROWS UNBOUNDED PRECEDING)
 ) AS u
 WHERE u.place <= {PAGE} AND coalesce(u.before, 0) < {PAGE_BYTES}
 ORDER BY a.recipient_id, a.since, a.item_id, u.version, u.id
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
    """A change: the item as it is now, ``None`` where it was deleted.

    ``ends``: it is the last one of its version.
    """

    version: int
    item_id: int
    item: InboxItem | None
    ends: bool


class Since(NamedTuple):
    """Asks for the changes of an inbox after an item of a version."""

    recipient_id: int
    version: int
    item_id: int


class Missed(NamedTuple):
    """Changes, the oldest first. ``complete``: these are all of them."""

    rows: list[Row]
    complete: bool


@contextmanager
def limited(seconds: float | None) -> Iterator[None]:
    """Have PostgreSQL end each statement after so many seconds, also where nobody waits for it.

    One that went on would keep one of the few connections of the process.
    """
    if seconds is None:
        yield
        return
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(f"SET LOCAL statement_timeout = {round(seconds * 1_000)}")
        yield


def states(user_ids: Collection[str]) -> dict[str, State]:
    """Return the inboxes of those of these people who are registered."""
    with connection.cursor() as cursor:
        cursor.execute(_STATES, {"user_ids": arrays.texts(user_ids), "now": clock.moment()})
        return {
            user_id: State(recipient_id, version, Counts(unread, unseen))
            for user_id, recipient_id, version, unread, unseen in cursor.fetchall()
        }


def changes(wanted: Collection[Since]) -> Mapping[Since, Missed]:
    """Return a page of what changed in each inbox; inboxes without changes are left out."""
    found: defaultdict[Since, list[Row]] = defaultdict(list)
    complete: dict[Since, bool] = {}
    with connection.cursor() as cursor:
        cursor.execute(
            _CHANGES,
            {
                "recipient_ids": arrays.numbers(since.recipient_id for since in wanted),
                "sinces": arrays.numbers(since.version for since in wanted),
                "item_ids": arrays.numbers(since.item_id for since in wanted),
                "now": clock.moment(),
            },
        )
        for row in cursor.fetchall():
            (*asked, version, item_id, following, there), values = row[:7], row[7:]
            item = _item(item_id, version, values) if there else None
            since = Since(*asked)
            found[since].append(Row(version, item_id, item, following != version))
            complete[since] = following is None
    return {since: Missed(rows, complete[since]) for since, rows in found.items()}


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
    """Return whether all that changed after a version can still be sent.

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


def _item(item_id: int, version: int, values: Sequence[object]) -> InboxItem:
    named = dict(zip(_OF_ITEM, values, strict=True), id=item_id, version=version)
    return InboxItem.from_db("default", _COLUMNS, [named[name] for name in _COLUMNS])
