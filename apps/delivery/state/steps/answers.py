"""Answers: record that people read or acknowledged notifications with steps.

A claim that judges steps shares the locks of their notifications until it commits (``hold``), and
who records an answer has them alone (``record``). So an answer waits for the claims that have
judged without it, and every later claim knows it. What such a claim is sending then is stopped as
a cancel stops it (``apps.delivery.sending.cancellation``).
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import NamedTuple
from uuid import UUID

from django.db import connection, transaction

from apps.core import arrays
from apps.delivery.models import AnswerSource
from apps.delivery.outbox import doorbells
from apps.delivery.outbox.queues import Queue
from apps.delivery.state.steps.plan import Unless

#: Advisory locks: the first key, and how many there are.
_LOCKS, NUMBER = 8, 256


class Awaited(NamedTuple):
    """The answer that would stop a delivery of a notification with steps that a worker is sending.

    ``unless``: of its step. ``to_group``: it is of a step for a group. ``shared``: see ``plan``.
    """

    notification_id: str
    recipient_id: int | None
    unless: str
    to_group: bool
    shared: bool


_WITH_STEPS = """
SELECT id, steps @? '$[*].group_id' FROM delivery_notification
 WHERE id = ANY(%s::uuid[]) AND steps IS NOT NULL
"""
_RECORD = """
INSERT INTO delivery_answer AS w (notification_id, recipient_id, source, read_at, acknowledged_at)
SELECT id, %(recipient_id)s, %(source)s, clock_timestamp(),
       CASE WHEN %(acknowledged)s THEN clock_timestamp() END
  FROM unnest(%(ids)s::uuid[]) AS n (id)
 ORDER BY id
ON CONFLICT (notification_id, recipient_id)
DO UPDATE SET acknowledged_at = excluded.acknowledged_at
 WHERE w.acknowledged_at IS NULL AND excluded.acknowledged_at IS NOT NULL
RETURNING notification_id
"""


def hold(notification_ids: Iterable[UUID | str]) -> None:
    """Let nobody answer these notifications until the transaction ends. Call it before judging."""
    _lock("pg_advisory_xact_lock_shared", notification_ids)


def with_steps(notification_ids: Collection[UUID]) -> dict[UUID, bool]:
    """Return those of these notifications that have steps, and of each ``plan.shared``."""
    with connection.cursor() as cursor:
        cursor.execute(_WITH_STEPS, [arrays.uuids(notification_ids)])
        return dict(cursor.fetchall())


def record(
    notification_ids: Sequence[UUID],
    recipient_id: int,
    source: AnswerSource,
    *,
    acknowledged: bool,
) -> list[UUID]:
    """Record that somebody read these notifications, or acknowledged them; return what was new.

    Waits for the claims that have judged them without it. The transaction is to end at once.
    """
    if not notification_ids:
        return []
    _lock("pg_advisory_xact_lock", notification_ids)
    with connection.cursor() as cursor:
        cursor.execute(
            _RECORD,
            {
                "ids": arrays.uuids(notification_ids),
                "recipient_id": recipient_id,
                "source": str(source),
                "acknowledged": acknowledged,
            },
        )
        return [found for (found,) in cursor.fetchall()]


_OWN = """
SELECT w.notification_id::text, w.recipient_id, w.acknowledged_at IS NOT NULL
  FROM unnest(%s::uuid[], %s::bigint[]) AS a (notification_id, recipient_id)
  JOIN delivery_answer w USING (notification_id, recipient_id)
"""
_ANYBODYS = """
SELECT notification_id::text, bool_or(acknowledged_at IS NOT NULL)
  FROM delivery_answer WHERE notification_id = ANY(%s::uuid[]) GROUP BY 1
"""


def answered(awaited: Collection[Awaited]) -> set[Awaited]:
    """Return which of these deliveries are not to be sent any more."""
    if not awaited:
        return set()
    with connection.cursor() as cursor:
        cursor.execute(
            _OWN,
            [
                arrays.texts(one.notification_id for one in awaited),
                arrays.numbers(one.recipient_id for one in awaited),
            ],
        )
        own = {(key, recipient_id): done for key, recipient_id, done in cursor.fetchall()}
        anybodys: dict[str, bool] = {}
        if shared := {one.notification_id for one in awaited if one.shared}:
            cursor.execute(_ANYBODYS, [arrays.texts(shared)])
            anybodys = dict(cursor.fetchall())
    found = set()
    for one in awaited:
        mine = own.get((one.notification_id, one.recipient_id or 0))
        others = anybodys.get(one.notification_id)
        if (
            (mine is not None and (mine or one.unless != Unless.ACKNOWLEDGED))
            or (one.shared and others)
            or (one.to_group and others is not None and one.unless != Unless.ACKNOWLEDGED)
        ):
            found.add(one)
    return found


# The deliveries that an answer stops, to whoever gave it, and to others where steps are for
# groups: as ``answered`` has it. Two conditions, because each has an index of its own.
_OF_OWN = """
d.recipient_id = %(recipient_id)s
AND (%(acknowledged)s OR d.step = 0 OR n.steps -> (d.step - 1) ->> 'unless' <> 'acknowledged')
"""
_OF_OTHERS = """
(%(acknowledged)s
 OR (d.step > 0 AND n.steps -> (d.step - 1) ? 'group_id'
     AND n.steps -> (d.step - 1) ->> 'unless' <> 'acknowledged'))
"""
# Chunks that are needed by nobody any more, and waiting deliveries that are not: made due, a claim
# finds that out and the notification need not wait for their times.
_NEEDLESS_CHUNKS = """
UPDATE delivery_chunk SET ready_at = clock_timestamp(), due_at = clock_timestamp()
 WHERE id = ANY(ARRAY(
       SELECT c.id FROM delivery_chunk c JOIN delivery_notification n ON n.id = c.notification_id
        WHERE c.notification_id = ANY(%(ids)s::uuid[]) AND c.step > 0 AND c.state = 'queued'
          AND c.ready_at > clock_timestamp() AND c.reason = ''
          AND ((%(acknowledged)s AND n.steps @? '$[*].group_id')
               OR ((c.kind = 'members' OR c.recipient_ids = ARRAY[%(recipient_id)s]::bigint[])
                   AND (%(acknowledged)s
                        OR n.steps -> (c.step - 1) ->> 'unless' <> 'acknowledged')))
          FOR UPDATE OF c SKIP LOCKED))
RETURNING channel, priority
"""
_NEEDLESS_DELIVERIES = """
UPDATE delivery_delivery SET next_attempt_at = clock_timestamp()
 WHERE id = ANY(ARRAY(
       SELECT d.id FROM delivery_delivery d JOIN delivery_notification n ON n.id = d.notification_id
        WHERE d.notification_id = ANY(%(ids)s::uuid[]) AND d.state = 'retrying'
          AND d.next_attempt_at > clock_timestamp() AND d.reason NOT IN ('topic_paused', 'held')
          AND {of}
        LIMIT %(most)s FOR UPDATE OF d SKIP LOCKED))
RETURNING channel, priority
"""
#: Most waiting deliveries that one answer makes due; the others are judged in their own time.
RELEASE_AT_ONCE = 1_000


def release(notifications: Mapping[UUID, bool], recipient_id: int, *, acknowledged: bool) -> None:
    """Make due what an answer has made needless, and ring after the commit. Waits for no lock.

    ``notifications``: some of what ``with_steps`` returned.
    """
    statements = [
        (_NEEDLESS_CHUNKS, list(notifications)),
        (_NEEDLESS_DELIVERIES.format(of=_OF_OWN), list(notifications)),
        (_NEEDLESS_DELIVERIES.format(of=_OF_OTHERS), _shared(notifications)),
    ]
    queues = set()
    with connection.cursor() as cursor:
        for statement, ids in statements:
            if ids:
                parameters = _parameters(ids, recipient_id, acknowledged)
                cursor.execute(statement, {**parameters, "most": RELEASE_AT_ONCE})
                queues |= {Queue(channel, priority) for channel, priority in cursor.fetchall()}
    if queues:
        transaction.on_commit(lambda: doorbells.ring(queues))


_BEING_SENT = """
SELECT EXISTS (
    SELECT FROM delivery_delivery d JOIN delivery_notification n ON n.id = d.notification_id
     WHERE d.notification_id = ANY(%(ids)s::uuid[]) AND d.state = 'sending' AND {of})
"""
# One acknowledgement ends all here: the counts say whether any of maybe a million is being sent.
_ANY_BEING_SENT = """
SELECT coalesce(sum(count), 0) > 0 FROM delivery_statecount
 WHERE notification_id = ANY(%(ids)s::uuid[]) AND state = 'sending'
"""


def being_sent(
    notifications: Mapping[UUID, bool], recipient_id: int, *, acknowledged: bool
) -> bool:
    """Return whether a worker is sending something that this answer keeps from being sent.

    ``notifications``: some of what ``with_steps`` returned.
    """
    others = _ANY_BEING_SENT if acknowledged else _BEING_SENT.format(of=_OF_OTHERS)
    statements = [
        (_BEING_SENT.format(of=_OF_OWN), list(notifications)),
        (others, _shared(notifications)),
    ]
    with connection.cursor() as cursor:
        for statement, ids in statements:
            if ids:
                cursor.execute(statement, _parameters(ids, recipient_id, acknowledged))
                if cursor.fetchone()[0]:
                    return True
    return False


def _shared(notifications: Mapping[UUID, bool]) -> list[UUID]:
    return [key for key, shared in notifications.items() if shared]


def _parameters(
    notification_ids: Collection[UUID], recipient_id: int, acknowledged: bool
) -> dict[str, str | int]:
    return {
        "ids": arrays.uuids(notification_ids),
        "recipient_id": recipient_id,
        "acknowledged": acknowledged,
    }


def _lock(function: str, notification_ids: Iterable[UUID | str]) -> None:
    locks = sorted({UUID(str(one)).int % NUMBER for one in notification_ids})
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT {function}(%s, lock) FROM unnest(%s::int[]) AS lock", [_LOCKS, locks]
        )
