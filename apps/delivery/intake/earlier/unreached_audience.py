"""The people whom an earlier notification did not reach, as the audience of another one."""

from collections.abc import Collection
from uuid import UUID

from django.db import connection

from apps.api.problems import Problem
from apps.core import arrays
from apps.delivery import selectors
from apps.delivery.intake.earlier import replay_family
from apps.delivery.models import Notification
from notifier.domain.states import DeliveryState

#: States of a delivery that certainly did not reach its recipient.
NOT_REACHED = (
    DeliveryState.SUPPRESSED,
    DeliveryState.EXPIRED,
    DeliveryState.CANCELLED,
    DeliveryState.FAILED,
    DeliveryState.DEAD,
    DeliveryState.BOUNCED,
)
#: These, and those of a delivery that may not have reached its recipient.
STATES = (*NOT_REACHED, DeliveryState.UNKNOWN, DeliveryState.ACCEPTED)
#: Most people of one notification: they are written down when it is accepted.
MOST = 100_000

#: Reasons for which a delivery was not sent because it was not needed any more.
NEEDLESS = ("read", "read_by_another", "acknowledged", "acknowledged_by_another")

_PEOPLE = """
SELECT d.recipient_id
  FROM delivery_delivery d
 WHERE d.notification_id = ANY(%(family)s::uuid[]) AND d.recipient_id IS NOT NULL
   AND NOT EXISTS (SELECT FROM delivery_answer w
                    WHERE w.notification_id = ANY(%(family)s::uuid[])
                      AND w.recipient_id = d.recipient_id)
 GROUP BY d.recipient_id
HAVING bool_and(d.state = ANY(%(states)s) AND d.reason <> ALL(%(needless)s))
   AND bool_or(d.notification_id = %(notification_id)s)
 ORDER BY d.recipient_id
 LIMIT %(most)s
"""


def earlier(publisher_id: int, notification_id: UUID) -> Notification:
    """Return the earlier notification of the publisher.

    Raises ``Problem`` where there is none, or where its audience is another publisher's: only a
    topic's owner may know who its subscribers are.
    """
    row = selectors.notifications(publisher_id).filter(pk=notification_id).first()
    if row is None:
        raise _problem("invalid-request", "You have no notification with this id.")
    if selectors.of_others_topics([row.pk]):
        raise _problem(
            "forbidden",
            "It was published to another publisher's topic, whose subscribers only its owner may "
            "know.",
        )
    return row


def people(row: Notification, states: Collection[str]) -> list[int]:
    """Return the ids of recipients all of whose deliveries are in these states, each once.

    Those of its replays are their deliveries, too. Not of those who have answered it (see
    ``apps.delivery.state.steps``), or did not get it since another had. Raises ``Problem`` where it
    or a replay is not done, and where there are none, or more than ``MOST``.
    """
    try:
        kin = replay_family.of(row)
    except Problem as problem:
        raise _problem("conflict", problem.sentence) from None
    with connection.cursor() as cursor:
        cursor.execute(
            _PEOPLE,
            {
                "notification_id": row.pk,
                "family": arrays.uuids(kin),
                "states": list(states),
                "needless": list(NEEDLESS),
                "most": MOST + 1,
            },
        )
        found = [recipient_id for (recipient_id,) in cursor.fetchall()]
    if not found:
        raise _problem("invalid-request", "There is nobody whom it did not reach.")
    if len(found) > MOST:
        raise _problem(
            "invalid-request",
            f"It did not reach more than {MOST:,} people, who are too many for one notification. "
            "Name fewer states, or publish to the topic or group again.",
        )
    return found


def _problem(name: str, detail: str) -> Problem:
    return Problem(name, detail, errors=[{"pointer": "/audience/not_reached_by", "detail": detail}])
