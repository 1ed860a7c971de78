"""Joining: what of a claim waits to be told with others.

Asked before quiet hours and frequency caps, which apply to the message that tells: what waits in a
digest disturbs nobody and counts once. Neither asked nor counted: high priority, what no preference
can refuse, what has a fallback in steps, channels that disturb nobody, bare endpoints, and what was
attempted before. A claim without digests asks nothing.
"""

from collections.abc import Mapping, Sequence

from django.conf import settings

from apps.core import clock
from apps.delivery.outbox.queues import Queue
from apps.delivery.sending.notifications import NotificationContext
from apps.delivery.state import Claimed
from apps.delivery.state.digests import joining
from apps.delivery.state.digests.joining import Joining
from apps.preferences.digests import choices
from apps.preferences.digests.choices import PersonsChoices
from apps.preferences.quiet_hours import schedules
from notifier.domain import digests
from notifier.domain.digests import Clocks, Digest
from notifier.domain.priorities import Priority
from notifier.domain.states import DeliveryState


class Asked:
    """The digests that a claim's notifications ask for, each looked up once."""

    def __init__(self, queue: Queue, contexts: Mapping[str, NotificationContext]) -> None:
        self._digests: dict[str, Digest | None] = {}
        if queue.priority == Priority.HIGH or not schedules.may_disturb(queue.channel):
            return
        people = choices.in_use().people
        for key, one in contexts.items():
            # With steps it is to be read soon, or somebody else is asked.
            if one.exempt or not one.may_wait or one.is_digest or one.steps:
                continue
            asked = one.digest or choices.of_category(one.category)
            if asked is not None or people:
                self._digests[key] = asked

    def __bool__(self) -> bool:
        """Return whether anything may join a digest."""
        return bool(self._digests)

    def may(self, notification_id: str) -> bool:
        """Return whether the notification may join a digest."""
        return notification_id in self._digests

    def until(
        self, context: NotificationContext, person: PersonsChoices | None, now: float
    ) -> tuple[Digest, float] | None:
        """Return the digest that it joins for a person, and when it closes if it opens it now.

        ``None``: it is sent at once, as is what expires before the digest closes.
        """
        if person is None:
            return None
        cadence = person.of(context.category)
        digest = digests.chosen(cadence, self._digests[str(context.row.id)])
        if digest is None:
            return None
        closes_at = digests.closes(
            digest, cadence, now, person.zone, Clocks(settings.DIGEST_AT, settings.DIGEST_DAY)
        )
        expires_at = context.row.expires_at
        if expires_at is not None and expires_at.timestamp() <= closes_at:
            return None
        return digest, closes_at


def join(
    queue: Queue,
    claim_id: int,
    rows: Sequence[Claimed],
    contexts: Mapping[str, NotificationContext],
    *,
    ordered: bool,
) -> list[Claimed]:
    """Put those of a claim's deliveries into digests that are to be told with others.

    Returns ``rows`` with their new states, and those of digests that it opens. ``ordered``: some
    have an ordering key, and the caller holds the locks of their lines.
    """
    asked = Asked(queue, contexts)
    if not asked:
        return list(rows)
    may = [
        row
        for row in rows
        if row.state == DeliveryState.SENDING
        and row.recipient_id is not None
        and not row.attempts
        and row.instead_of is None
        and asked.may(row.notification_id)
    ]
    if not may:
        return list(rows)
    people = choices.of_people({row.recipient_id for row in may if row.recipient_id is not None})
    now = clock.now()
    found = []
    for row in may:
        assert row.recipient_id is not None
        context = contexts[row.notification_id]
        until = asked.until(context, people.get(row.recipient_id), now)
        if until is not None:
            digest, closes_at = until
            found.append(
                Joining(
                    row,
                    row.recipient_id,
                    context.row.publisher_id,
                    context.category,
                    context.row.category_kind,
                    digest.key,
                    context.others_topic,
                    context.row.other_category,
                    closes_at,
                    context.row.expires_at,
                )
            )
    if not found:
        return list(rows)
    return joining.join(claim_id, *queue, rows, found, ordered=ordered)
