"""Retention of notifications: the content goes first, and later the record that they were sent.

Contents are title, body, data and variables. They are deleted ``CONTENT_DAYS`` after a notification
was due; where it is critical and expires (a one-time password) no later than ``AFTER_EXPIRY`` after
its expiry. Records are the rows of the notification, its deliveries and all that belongs to them;
they go after ``RECORD_DAYS``. Rules (``RetentionRule``) change both for categories and publishers.
Nothing goes while something of it is still to be sent.

Records of a whole day go with the day's partitions (``partitions.dropping``), where nearly all of
them are to go; until then, and where a rule keeps many of them, they are deleted one by one.

Notifications have no index for this, which every acceptance would pay for. Their ids are in the
order of acceptance: each age is a walk over them, and a mark says how far it has come. What is not
to go when the walk passes gets a row that says when to look again (``RetentionDeferral``).
"""

import logging
import time
from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Any, NamedTuple, TypeAlias
from uuid import UUID

from django.conf import settings
from django.db import connection, transaction
from django.db.backends.utils import CursorWrapper

from apps.core import arrays, clock
from apps.delivery.maintenance import rollup
from apps.delivery.maintenance.partitions import dropping, locks, tables
from apps.delivery.maintenance.partitions.tables import TABLES
from apps.delivery.models import Notification, RetentionDeferral, RetentionMark, RetentionRule
from notifier.domain.ids import days
from notifier.domain.states import WAITING

log = logging.getLogger(__name__)

#: Notifications that one transaction looks at.
AT_ONCE = 1_000
#: Deliveries that one transaction deletes.
DELIVERIES_AT_ONCE = 10_000
#: Seconds after which a run ends: the next one begins ten minutes after it.
LONGEST = 300.0
#: Time from the expiry of a critical notification until its content is deleted.
AFTER_EXPIRY = timedelta(hours=1)
#: Age at which critical notifications are looked at; most of them expire within ten minutes.
EXPIRING_AGE = AFTER_EXPIRY + timedelta(minutes=10)
#: Time after which a notification that has work left is looked at again.
LOOK_AGAIN = timedelta(hours=1)
#: Seconds after which partitions of which too much is kept are looked at again.
REFUSED_SECONDS = 86_400.0
#: Time after the end of their retention from which partitions of days are overdue.
OVERDUE = timedelta(days=2)


class What(StrEnum):
    """The part of a notification that is deleted."""

    CONTENT = "content"
    RECORD = "record"


def purge(longest: float = LONGEST) -> int:
    """Delete contents and records whose retention is over; return of how many notifications.

    It ends after ``longest`` seconds, and the next one goes on there. Two processes that do it at
    once do some of it twice, which changes nothing.
    """
    until = time.monotonic() + longest
    deleted = _walk(_PASSWORDS, What.CONTENT, EXPIRING_AGE, _EXPIRING, until)
    # Deletions that these put off come before the walks that a change of rules begins anew.
    deleted += _look_again(What.CONTENT, until)
    for what in What:
        left_alone = _drop_days(until) if what is What.RECORD else None
        for age in _ages(what):
            days_old = timedelta(days=age)
            deleted += _walk(f"{what}:{age}", what, days_old, _OF_AGE, until, left_alone)
    return deleted + _look_again(What.RECORD, until)


def rules_changed() -> None:
    """Look at everything anew: what was passed may be due by the new rules.

    But for what expires: all that its walk has left of that is among what was put off.
    """
    RetentionMark.objects.exclude(pk__in=(_PASSWORDS, rollup.MARK)).delete()
    RetentionDeferral.objects.update(due_at=clock.moment())


def _default(what: What) -> int:
    return int(settings.CONTENT_DAYS if what is What.CONTENT else settings.RECORD_DAYS)


def _ages(what: What) -> list[int]:
    """Return the ages at which something may go, in days, the youngest first."""
    found = RetentionRule.objects.values_list(f"{what}_days", flat=True)
    return sorted({_default(what), *(age for age in found if age is not None)})


#: The name of the walk over critical notifications that expire.
_PASSWORDS = "expiring"
#: SQL: which notifications a walk looks at. What is kept for longer is left to a later walk.
_OF_AGE = "kept.age <= %(age)s"
_EXPIRING = "n.category_kind = 'critical' AND n.expires_at IS NOT NULL"

#: The rules for records, each as (publisher, category, days).
Rules: TypeAlias = frozenset[tuple[int | None, str, int | None]]
#: Partitions of which too much is kept by some rules, and when they are looked at again: unix
#: seconds. Another process may change the rules.
_not_before: dict[tuple[str, Rules], float] = {}


def overdue() -> list[dropping.Span]:
    """Return the spans of partitions that stay, though no record of them is kept any more."""
    oldest = timedelta(days=_ages(What.RECORD)[-1]) + OVERDUE
    return dropping.ended(by=days.of_moment(clock.moment() - oldest))


def _drop_days(until: float) -> date | None:
    """Drop the partitions of days of which the youngest age for records has come to all rows.

    Returns the first day that is left to the next run, because its tables are locked.
    """
    dropping.drop_detached()
    ended = days.of_moment(clock.moment() - timedelta(days=_ages(What.RECORD)[0]))
    rules = _rules()
    for span in dropping.ended(by=ended):
        key = (span.partition(TABLES[0]), rules)
        if _not_before.get(key, 0.0) > clock.now():
            continue
        if time.monotonic() > until:
            return span.begin or date.min
        kept = _kept(span)
        if kept is None:
            _not_before[key] = clock.now() + REFUSED_SECONDS
            continue
        with connection.cursor() as cursor:  # before the drop, which may be the last that is done
            _defer(cursor, What.RECORD, kept)
        try:
            # A day without anything kept is not deleted row by row; the days after it wait.
            dropping.drop(span, kept, overdue=not kept and span.end + OVERDUE <= ended)
        except (dropping.Awake, locks.Busy) as error:
            if kept and isinstance(error, locks.Slow):
                _not_before[key] = clock.now() + REFUSED_SECONDS
                continue
            log.warning("the partitions of %s are dropped later: %r", span, error)
            return span.begin or date.min
    return None


def _rules() -> Rules:
    return frozenset(RetentionRule.objects.values_list("publisher_id", "category", "record_days"))


_KEPT = """
SELECT n.id, regular.due FROM {notifications} n {regularly}
 WHERE regular.due > %(now)s LIMIT %(most)s
"""
_WITH_WORK = """
SELECT DISTINCT c.notification_id FROM delivery_chunk c
 WHERE c.state <> 'done' AND EXISTS (SELECT FROM {notifications} n WHERE n.id = c.notification_id)
UNION
SELECT DISTINCT notification_id FROM {deliveries} WHERE state = ANY(%(waiting)s)
 LIMIT %(most)s
"""


def _kept(span: dropping.Span) -> dict[UUID, datetime] | None:
    """Return the notifications of ended days that are to be kept, with when to look at them again.

    ``None`` where they have too many deliveries to be moved out of the way.
    """
    notifications, deliveries = (span.partition(table) for table in TABLES[:2])
    now, most = clock.moment(), dropping.MOST_KEPT
    parameters: dict[str, Any] = {
        "waiting": list(WAITING),
        "most": most + 1,
        "now": now,
        "days": _default(What.RECORD),
    }
    kept: dict[UUID, datetime] = {}
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL statement_timeout = 0")  # it reads a day, once
        regularly = _REGULARLY.format(what=What.RECORD)
        cursor.execute(_KEPT.format(notifications=notifications, regularly=regularly), parameters)
        kept.update(cursor.fetchall())
        if len(kept) > most:
            return None
        cursor.execute(
            _WITH_WORK.format(notifications=notifications, deliveries=deliveries), parameters
        )
        kept.update((key, now + LOOK_AGAIN) for (key,) in cursor.fetchall())
        if len(kept) > most:
            return None
        cursor.execute(
            f"SELECT count(*) FROM {deliveries} WHERE notification_id = ANY(%s::uuid[])",
            [arrays.uuids(kept)],
        )
        return kept if cursor.fetchone()[0] <= most else None


def _walk(
    name: str,
    what: What,
    age: timedelta,
    which: str,
    until: float,
    left_alone: date | None = None,
) -> int:
    """Delete from notifications that have come of an age since the last walk of this name.

    ``left_alone``: those of this day on are not looked at.
    """
    end, deleted = _end(what, clock.moment() - age), 0
    if left_alone is not None:
        end = min(end, days.first_notification(max(left_alone, days.EPOCH)))
    while time.monotonic() < until:
        mark = RetentionMark.objects.filter(pk=name).first()
        rows = Notification.objects.filter(pk__lt=end).order_by("pk")
        if mark is not None:
            rows = rows.filter(pk__gt=mark.up_to)
        ids = list(rows.values_list("pk", flat=True)[:AT_ONCE])
        if not ids:
            return deleted
        deleted += _delete(what, _judge(what, ids, which, age))
        if not _moved(name, mark, ids[-1]):
            break
    return deleted


def _moved(name: str, mark: RetentionMark | None, up_to: UUID) -> bool:
    """Move a walk's mark on, and return whether it did.

    It did not where the mark was deleted meanwhile: the rules have changed.
    """
    if mark is None:
        return RetentionMark.objects.get_or_create(pk=name, defaults={"up_to": up_to})[1]
    return bool(RetentionMark.objects.filter(pk=name, up_to=mark.up_to).update(up_to=up_to))


def _look_again(what: What, until: float) -> int:
    """Delete from notifications of which it was put off until now."""
    deleted = 0
    while time.monotonic() < until:
        due = RetentionDeferral.objects.filter(what=what, due_at__lte=clock.moment())
        ids = list(due.order_by("due_at").values_list("notification_id", flat=True)[:AT_ONCE])
        if not ids:
            return deleted
        judged = _judge(what, ids, "true", timedelta(0))
        deleted += _delete(what, judged)
        gone = set(ids) - judged.later.keys()
        RetentionDeferral.objects.filter(what=what, notification_id__in=gone).delete()
    return deleted


def _end(what: What, moment: datetime) -> UUID:
    """Return the end of a walk at what was accepted until ``moment``: a UUIDv7.

    Where there are partitions, records of a day that has not wholly come of age are left to their
    drop.
    """
    if what is What.RECORD and tables.all_partitioned():
        return days.first_notification(days.of_moment(moment))
    return UUID(int=int(moment.timestamp() * 1000) << 80)


class Judged(NamedTuple):
    """Notifications of which something is due now, and when the others are to be looked at."""

    due: list[UUID]
    later: dict[UUID, datetime]


#: SQL: how long a notification n is kept by the rules, and when it is due by that.
_REGULARLY = """
 CROSS JOIN LATERAL (
       SELECT make_interval(days => coalesce(
              (SELECT r.{what}_days FROM delivery_retentionrule r
                WHERE r.{what}_days IS NOT NULL
                  AND (r.publisher_id IS NULL OR r.publisher_id = n.publisher_id)
                  AND (r.category = '' OR r.category = n.category)
                ORDER BY (r.category <> '')::int * 2 + (r.publisher_id IS NOT NULL)::int DESC
                LIMIT 1), %(days)s)) AS age) AS kept
 CROSS JOIN LATERAL (SELECT greatest(n.created_at, n.send_at) + kept.age AS due) AS regular
"""
_JUDGE = """
SELECT n.id, {due},
       EXISTS (SELECT FROM delivery_chunk c WHERE c.notification_id = n.id AND c.state <> 'done')
       OR CASE WHEN n.counts_kept
               THEN coalesce((SELECT sum(count) FROM delivery_statecount s
                               WHERE s.notification_id = n.id
                                 AND s.state = ANY(%(waiting)s)), 0) > 0
               ELSE EXISTS (SELECT FROM delivery_delivery d
                             WHERE d.notification_id = n.id AND d.state = ANY(%(waiting)s)) END
  FROM delivery_notification n {regularly}
 WHERE n.id = ANY(%(ids)s::uuid[]) AND {left} AND {which}
"""
#: SQL: when it is due. ``least`` passes over null, and so over what does not expire.
_DUE = {
    What.CONTENT: "least(regular.due, CASE WHEN n.category_kind = 'critical' "
    "THEN n.expires_at + %(after_expiry)s END)",
    What.RECORD: "regular.due",
}
#: SQL: whether there is something to delete.
_LEFT = {What.CONTENT: "n.content <> ''", What.RECORD: "true"}


def _judge(what: What, ids: Sequence[UUID], which: str, age: timedelta) -> Judged:
    """Judge those of these notifications that ``which`` finds."""
    now, judged = clock.moment(), Judged([], {})
    statement = _JUDGE.format(
        regularly=_REGULARLY.format(what=what), due=_DUE[what], left=_LEFT[what], which=which
    )
    # psycopg2 adapts a timedelta, though django-stubs do not list it.
    parameters: dict[str, Any] = {
        "ids": arrays.uuids(ids),
        "days": _default(what),
        "age": age,
        "after_expiry": AFTER_EXPIRY,
        "waiting": list(WAITING),
    }
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        for key, due, has_work in cursor.fetchall():
            if due > now:
                judged.later[key] = due
            elif has_work:
                judged.later[key] = now + LOOK_AGAIN
            else:
                judged.due.append(key)
    return judged


_EMPTY = "UPDATE delivery_notification SET content = '' WHERE id = ANY(%s::uuid[])"
_DEFER = """
INSERT INTO delivery_retentiondeferral (notification_id, what, due_at)
SELECT w.id, %s, w.due_at FROM unnest(%s::uuid[], %s::timestamptz[]) AS w (id, due_at)
ON CONFLICT (notification_id, what) DO UPDATE SET due_at = excluded.due_at
"""


def _delete(what: What, judged: Judged) -> int:
    """Delete what is due, and have the others looked at again; return of how many it went."""
    if what is What.RECORD:
        while _delete_deliveries(judged.due) == DELIVERIES_AT_ONCE:
            pass
    with transaction.atomic(), connection.cursor() as cursor:
        if what is What.CONTENT:
            cursor.execute(_EMPTY, [arrays.uuids(judged.due)])
            rollup.roll_up_states(judged.due)
        else:
            for statement in _RECORDS:
                cursor.execute(statement, [arrays.uuids(judged.due)])
        _defer(cursor, what, judged.later)
    return len(judged.due)


def _defer(cursor: CursorWrapper, what: What, later: Mapping[UUID, datetime]) -> None:
    """Have these notifications looked at again."""
    cursor.execute(_DEFER, [what, arrays.uuids(later), arrays.times(later.values())])


_SOME_DELIVERIES = """
SELECT id FROM delivery_delivery
 WHERE notification_id = ANY(%s::uuid[]) LIMIT %s FOR UPDATE
"""
_OF_DELIVERIES = (
    "DELETE FROM delivery_attempt WHERE delivery_id = ANY(%s)",
    "DELETE FROM delivery_receiptevent WHERE delivery_id = ANY(%s)",
    "DELETE FROM delivery_deadletter WHERE delivery_id = ANY(%s)",
    "DELETE FROM delivery_delivery WHERE id = ANY(%s)",
)
_RECORDS = (
    "DELETE FROM delivery_statecount WHERE notification_id = ANY(%s::uuid[])",
    "DELETE FROM delivery_pendingcount WHERE notification_id = ANY(%s::uuid[])",
    "DELETE FROM delivery_answer WHERE notification_id = ANY(%s::uuid[])",
    "DELETE FROM delivery_chunk WHERE notification_id = ANY(%s::uuid[])",
    "DELETE FROM delivery_retentiondeferral WHERE notification_id = ANY(%s::uuid[])",
    "DELETE FROM delivery_notification WHERE id = ANY(%s::uuid[])",
)


@transaction.atomic
def _delete_deliveries(notification_ids: Sequence[UUID]) -> int:
    """Delete some deliveries of notifications that have ended; return how many."""
    with connection.cursor() as cursor:
        cursor.execute(_SOME_DELIVERIES, [arrays.uuids(notification_ids), DELIVERIES_AT_ONCE])
        ids = [delivery_id for (delivery_id,) in cursor.fetchall()]
        for statement in _OF_DELIVERIES:
            cursor.execute(statement, [ids])
    return len(ids)
