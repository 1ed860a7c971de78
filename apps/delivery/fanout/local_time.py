"""Cut the audience of a notification for a local time into chunks, each due at its zones' hour.

A page of the audience is read with its people's zones, and every zone's part of it becomes chunks
that are due when it is that time there: the hour itself costs nothing but claims. People for whom
the time had passed at acceptance are due at once, or are recorded as not sent.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import datetime
from functools import cached_property
from typing import NamedTuple

from django.conf import settings
from django.db import connection

from apps.core import arrays
from apps.delivery.intake.drafts import SKIP
from apps.delivery.intake.rows import NewNotification
from apps.delivery.models import Chunk, ChunkKind, Notification
from apps.delivery.state.eligibility.audience import MEMBERSHIPS, SUBSCRIPTIONS
from apps.preferences.models import Recipient
from apps.preferences.quiet_hours import schedules
from notifier.domain.times import local_time

# A bare endpoint has no zone.
_SUBSCRIBERS = f"""
SELECT p.id, coalesce(r.time_zone, '')
  FROM (SELECT id, recipient_id, contact_id FROM {SUBSCRIPTIONS} AND id > %(after)s
         ORDER BY id LIMIT %(rows)s) p
  LEFT JOIN preferences_contact k ON k.id = p.contact_id
  LEFT JOIN preferences_recipient r ON r.id = coalesce(p.recipient_id, k.recipient_id)
 ORDER BY p.id
"""
_MEMBERS = f"""
SELECT p.id, r.time_zone
  FROM (SELECT id, recipient_id FROM {MEMBERSHIPS} AND id > %(after)s
         ORDER BY id LIMIT %(rows)s) p
  JOIN preferences_recipient r ON r.id = p.recipient_id
 ORDER BY p.id
"""
_INSERT = """
INSERT INTO delivery_chunk (notification_id, publisher_id, kind, channel, priority, low_id, high_id,
                            member_ids, recipient_ids, size, step, state, fence, due_at,
                            ready_at)
SELECT %(notification_id)s, %(publisher_id)s, kind, %(channel)s, %(priority)s, low_id, high_id,
       CASE WHEN %(named)s THEN NULL ELSE ids::bigint[] END,
       CASE WHEN %(named)s THEN ids::bigint[] END, size, %(step)s, 'queued', 0, ready,
       ready
  FROM unnest(%(kinds)s::text[], %(lows)s::bigint[], %(highs)s::bigint[], %(ids)s::text[],
              %(sizes)s::int[], %(due)s::float8[])
    AS c (kind, low_id, high_id, ids, size, due),
       LATERAL (SELECT greatest(to_timestamp(c.due), clock_timestamp())
                       + make_interval(secs => %(after)s) AS ready) later
"""


class _Person(NamedTuple):
    """One of an audience: a subscription, a membership or a recipient, and its zone."""

    id: int
    time_zone: str


class _Slice(NamedTuple):
    """People of an audience who get it at the same moment (unix seconds)."""

    kind: str
    due: float
    ids: Sequence[int]


def is_local(notification: Notification) -> bool:
    """Return whether it is for a local time."""
    return bool(notification.send_at_local)


def has_audience(notification: Notification) -> bool:
    """Return whether it goes to a topic or a group, and not to named recipients."""
    return notification.topic_id is not None or notification.group_id is not None


class LocalTimes:
    """The send times of a notification by time zone."""

    def __init__(self, notification: Notification | NewNotification) -> None:
        self._row = notification
        self._wall = datetime.fromisoformat(notification.send_at_local)
        self._dues: dict[str, float] = {}

    def due(self, time_zone: str) -> float:
        """Return when (unix seconds) a recipient of this zone gets it, as stored there."""
        found = self._dues.get(time_zone)
        if found is None:
            there = local_time.instant(self._wall, schedules.zone_of(time_zone))
            found = self._dues[time_zone] = there + self._delay
        return found

    def passed(self, due: float) -> bool:
        """Return whether that had passed when the notification was accepted."""
        return due < self._row.created_at.timestamp()

    def slices(self, people: Sequence[_Person], otherwise: str) -> Iterator[_Slice]:
        """Yield people by the moment at which they get it, ``CHUNK_SIZE`` at most together.

        ``otherwise``: the kind of chunks, but for those for whom it has passed and who are skipped.
        """
        by_time: dict[float, list[int]] = defaultdict(list)
        for person in people:
            by_time[self.due(person.time_zone)].append(person.id)
        for due, ids in by_time.items():
            skipped = self.passed(due) and self._row.local_time_passed == SKIP
            kind = ChunkKind.PASSED if skipped else otherwise
            for start in range(0, len(ids), settings.CHUNK_SIZE):
                yield _Slice(kind, due, ids[start : start + settings.CHUNK_SIZE])

    @cached_property
    def _delay(self) -> float:
        """The topic's delay, in seconds."""
        assert self._row.send_at is not None
        return (self._row.send_at - local_time.earliest(self._wall)).total_seconds()


def cut_page(
    notification: Notification, channel: str, after: int, rows: int, step: int = 0
) -> bool:
    """Cut the next ``rows`` people of a topic or group; return whether there were some.

    Starts behind the last that were cut. ``after``: seconds added to each chunk's time. ``step``:
    of the fallback, if they are of one. The caller holds the lease of the audience, so that no
    other process cuts it meanwhile.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            _SUBSCRIBERS if notification.group_id is None else _MEMBERS,
            {
                "topic_id": notification.topic_id,
                "group_id": notification.group_id,
                "reachable_only": notification.reachable_only,
                "channel": channel,
                "after": _last(notification, channel),
                "rows": rows,
            },
        )
        people = [_Person._make(row) for row in cursor.fetchall()]
    found = list(LocalTimes(notification).slices(people, ChunkKind.LISTED))
    _insert(notification, channel, after, found, named=False, step=step)
    return bool(people)


def cut_named(
    whole: Chunk, notification: Notification, channel: str, after: int, step: int = 0
) -> None:
    """Cut named recipients on a channel, all at once. ``after``, ``step``: as for ``cut_page``."""
    zones = Recipient.objects.filter(pk__in=whole.recipient_ids or ()).order_by("pk")
    people = [_Person(*row) for row in zones.values_list("pk", "time_zone")]
    found = list(LocalTimes(notification).slices(people, ChunkKind.NAMED))
    _insert(notification, channel, after, found, named=True, step=step)


def _last(notification: Notification, channel: str) -> int:
    """Return the highest id of the audience that was cut on a channel; 0 at first."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT coalesce(max(high_id), 0) FROM delivery_chunk "
            "WHERE notification_id = %s AND channel = %s AND kind = ANY(%s)",
            [notification.pk, channel, [ChunkKind.LISTED, ChunkKind.PASSED]],
        )
        return int(cursor.fetchone()[0])


def _insert(
    notification: Notification,
    channel: str,
    after: int,
    found: Sequence[_Slice],
    *,
    named: bool,
    step: int,
) -> None:
    if not found:
        return
    with connection.cursor() as cursor:
        cursor.execute(
            _INSERT,
            {
                "notification_id": notification.pk,
                "publisher_id": notification.publisher_id,
                "channel": channel,
                "priority": notification.priority,
                "named": named,
                "step": step,
                "kinds": arrays.texts(one.kind for one in found),
                "lows": arrays.numbers(one.ids[0] for one in found),
                "highs": arrays.numbers(one.ids[-1] for one in found),
                "ids": arrays.lists(one.ids for one in found),
                "sizes": arrays.numbers(len(one.ids) for one in found),
                "due": arrays.numbers(one.due for one in found),
                "after": after,
            },
        )
