"""The deliveries of an earlier notification that reached nobody, and the people they were for."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any, NamedTuple
from uuid import UUID

from django.db import connection

from apps.api.problems import Problem
from apps.core import arrays
from apps.delivery.intake.earlier import unreached_audience
from notifier.domain.states import DeliveryState

#: Most deliveries of one replay: they are written down when it is accepted.
MOST = unreached_audience.MOST


class Person(NamedTuple):
    """Somebody whom it is sent to: a recipient, or the contact of a bare address."""

    recipient_id: int | None
    contact_id: int | None = None


class Undelivered(NamedTuple):
    """A delivery that ended without reaching anybody."""

    id: int
    channel: str
    recipient_id: int | None
    contact_id: int | None

    @property
    def person(self) -> Person:
        return Person(self.recipient_id, None if self.recipient_id else self.contact_id)


class Found(NamedTuple):
    """Deliveries to send again, and by id who all those are for that are locked.

    ``busy``: how many people were left out, since something of theirs is locked elsewhere.
    """

    deliveries: Sequence[Undelivered]
    locked: Mapping[int, Person]
    busy: int


# Somebody who got it in any of the family, or may have got it, is left out, and so is who gets it
# once a digest is redriven. One pass over the family, sorted by person: the planner may have a join
# of those who failed with those who got it compare each with each.
_NOT_REACHED = """
SELECT id, channel, recipient_id, contact_id
  FROM (SELECT d.id, d.notification_id, d.state, d.channel, d.recipient_id, d.contact_id,
               bool_or(d.state <> ALL(%(not_reached)s) OR d.reason = ANY(%(needless)s)
                       OR (d.told_in IS NOT NULL
                           AND EXISTS (SELECT FROM delivery_deadletter l
                                        WHERE l.delivery_id = d.told_in)))
               OVER (PARTITION BY d.recipient_id,
                                  CASE WHEN d.recipient_id IS NULL THEN d.contact_id END) AS got
          FROM delivery_delivery d
         WHERE d.notification_id = ANY(%(family)s::uuid[])) d
 WHERE d.notification_id = %(notification_id)s AND d.state = ANY(%(states)s)
   AND d.channel = ANY(%(channels)s) AND NOT d.got
   AND NOT EXISTS (SELECT FROM delivery_answer w
                    WHERE w.notification_id = ANY(%(family)s::uuid[])
                      AND w.recipient_id = d.recipient_id)
 ORDER BY d.id
 LIMIT %(most)s
"""
_DEAD = """
SELECT id, channel, recipient_id, contact_id
  FROM delivery_delivery
 WHERE notification_id = ANY(%(family)s::uuid[]) AND state = 'dead'
   AND (recipient_id = ANY(%(recipients)s::bigint[])
        OR recipient_id IS NULL AND contact_id = ANY(%(contacts)s::bigint[]))
"""
_STILL = """
SELECT id FROM delivery_delivery WHERE id = ANY(%(ids)s::bigint[]) AND state = ANY(%(states)s)
"""
_LOCK = """
SELECT id FROM delivery_delivery
 WHERE id = ANY(%(ids)s::bigint[]) AND state = ANY(%(states)s)
 ORDER BY id FOR UPDATE SKIP LOCKED
"""


def find(
    notification_id: UUID,
    family: Collection[UUID],
    states: Collection[str],
    channels: Collection[str],
) -> Found:
    """Find and lock the deliveries of a notification in these states, on these channels.

    ``family``: the first notification and all of its replays. Locked with them is all that is dead
    of the family for the same people, so that none of it is redriven beside a replay. People of
    whom something is locked elsewhere are left out and counted; those of whom something moved on
    meanwhile are left out. Raises ``Problem`` where there are
    too many.
    """
    parameters: dict[str, Any] = {
        "notification_id": notification_id,
        "family": arrays.uuids(family),
        "states": list(states),
        "channels": list(channels),
        "not_reached": list(unreached_audience.NOT_REACHED),
        "needless": list(unreached_audience.NEEDLESS),
        "most": MOST + 1,
    }
    chosen = _rows(_NOT_REACHED, parameters)
    if len(chosen) > MOST:
        raise Problem(
            "invalid-request",
            f"More than {MOST:,} deliveries ended so, which are too many for one replay. Name "
            "fewer states or channels.",
        )
    people = {one.person for one in chosen}
    parameters["recipients"] = [one.recipient_id for one in people if one.recipient_id]
    parameters["contacts"] = [one.contact_id for one in people if one.contact_id]
    wanted = {one.id: one.person for one in [*chosen, *_rows(_DEAD, parameters)]}
    parameters["ids"] = list(wanted)
    parameters["states"] = [*states, DeliveryState.DEAD]
    with connection.cursor() as cursor:
        cursor.execute(_LOCK, parameters)
        locked = {key for (key,) in cursor.fetchall()}
        # Deliveries that moved on since are nothing to wait for, unlike those that are locked.
        parameters["ids"] = [key for key in wanted if key not in locked]
        cursor.execute(_STILL, parameters)
        still = {key for (key,) in cursor.fetchall()}
    moved = {wanted[key] for key in parameters["ids"] if key not in still}
    busy = {wanted[key] for key in still} - moved
    left_out = moved | busy
    return Found(
        [one for one in chosen if one.person not in left_out],
        {key: person for key, person in wanted.items() if person not in left_out},
        len(busy),
    )


def _rows(statement: str, parameters: Mapping[str, Any]) -> list[Undelivered]:
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        return [Undelivered._make(row) for row in cursor.fetchall()]
