"""The events of the stream, as bytes (HTML Living Standard, section 9.2.5)."""

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import NamedTuple
from uuid import UUID

import orjson

from apps.inbox.presenters import shown
from apps.inbox.selectors import Counts
from apps.inbox.stream.statements import Row

#: A comment, which keeps proxies from closing a connection on which nothing happens.
HEARTBEAT = b":\n\n"


class Event(StrEnum):
    """The name of an event."""

    READY = "ready"
    ITEM = "item"
    DELETED = "deleted"
    COUNTS = "counts"
    RESYNC = "resync"
    EXPIRED = "expired"
    RESTART = "restart"


def event(name: Event, data: Mapping[str, object], version: int | None = None) -> bytes:
    """Return an event; ``version`` becomes its id, by which a client says what it has."""
    identity = b"" if version is None else b"id: %d\n" % version
    body = orjson.dumps(data, option=orjson.OPT_UTC_Z)  # times as the API writes them
    return b"event: %s\n%sdata: %s\n\n" % (name.encode(), identity, body)


def retry(milliseconds: int) -> bytes:
    """Return after how long a browser that was cut off is to come back."""
    return b"retry: %d\n\n" % milliseconds


def ready(counts: Counts) -> bytes:
    """Return the first event of a connection."""
    return event(Event.READY, counts._asdict())


def counted(counts: Counts, version: int) -> bytes:
    """Return the event that says how many items are unread and unseen."""
    return event(Event.COUNTS, counts._asdict(), version)


def resync(version: int) -> bytes:
    """Return the event that says that what was missed is not known any more."""
    return event(Event.RESYNC, {"detail": "List the inbox again."}, version)


class Sampled(NamedTuple):
    """A sampled notification: its id, and where it belongs in a trace."""

    id: UUID
    place: bytes


class ChangeEvent(NamedTuple):
    """An event of a change, with its version and the id of its item.

    ``sampled``: the notification of a new item, if it is sampled.
    """

    version: int
    item_id: int
    name: Event
    data: bytes
    sampled: Sampled | None = None


def changes(rows: Sequence[Row], places: Mapping[UUID, bytes]) -> list[ChangeEvent]:
    """Return the events of rows, in the order of their versions.

    Only the last event of a version has an id: a client that has it has all before it. ``places``:
    see ``statements.places``.
    """
    found = []
    for row in rows:
        version = row.version if row.ends else None
        name = Event.DELETED if row.item is None else Event.ITEM
        content = {"id": row.item_id} if row.item is None else shown(row.item)
        of = row.item.notification_id if row.item is not None else None
        sampled = Sampled(of, places[of]) if of is not None and of in places else None
        data = event(name, content, version)
        found.append(ChangeEvent(row.version, row.item_id, name, data, sampled))
    return found
