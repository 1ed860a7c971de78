"""The rows that explain what happened to one notification for one recipient or bare endpoint.

Every query reads a few rows through an index, so the cost does not depend on the audience.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Q
from django.utils.formats import date_format

from apps.core import clock
from apps.delivery import selectors
from apps.delivery.models import Chunk, ChunkState, Delivery, Notification, ProviderSwitch
from apps.delivery.operations import digest_members, reasons
from apps.preferences.models import Contact, Group, Membership, Recipient
from apps.topics.models import Subscription

#: Most replays that are named.
MOST_REPLAYS = 20


@dataclass(frozen=True, slots=True)
class Sentence:
    """A sentence. ``state``: the state or outcome that it is about, if any."""

    text: str
    state: str = ""


def at(moment: datetime) -> str:
    """Return a time as part of a sentence."""
    return f"on {date_format(moment, 'DATETIME_FORMAT')}"


class Evidence:
    """The rows about one recipient, or one bare endpoint, and one notification, read once.

    A bare endpoint has ``recipient_id`` 0, and no time zone.
    """

    def __init__(self, whom: Recipient | Contact, notification: Notification) -> None:
        self.notification = notification
        self.now = clock.moment()
        if isinstance(whom, Recipient):
            self.recipient_id, self.name, self.time_zone = whom.pk, whom.user_id, whom.time_zone
            own = Contact.objects.filter(recipient=whom).defer("address", "secret")
            self.contacts = {contact.pk: contact for contact in own}
        else:
            self.recipient_id, self.name, self.time_zone = 0, whom.masked, ""
            self.contacts = {whom.pk: whom}
        self.deliveries = self._deliveries()
        ids = [delivery.pk for delivery in self.deliveries]
        self.reasons = reasons.in_words(self.deliveries)
        self.due = digest_members.due_at(self.deliveries)
        self.attempts = selectors.attempts(ids)
        self.receipts = selectors.receipts(ids)
        self.subscriptions = self._subscriptions()
        self.group = Group.objects.filter(pk=notification.group_id or 0).first()
        self.membership = Membership.objects.filter(
            group=notification.group_id or 0, recipient=self.recipient_id
        ).first()
        self.open_chunks = list(
            Chunk.objects.filter(notification=notification).exclude(state=ChunkState.DONE)[:1000]
        )
        self.replays = list(
            Notification.objects.filter(replay_of=notification.pk)
            .order_by("pk")
            .values_list("pk", "created_at")[:MOST_REPLAYS]
        )
        self.paused = dict(ProviderSwitch.objects.values_list("provider", "paused_at"))

    @property
    def dead_end(self) -> str:
        """Say what happens to a dead delivery."""
        if self.replays:
            return "It is not tried again itself."
        return "Nothing more happens to it unless it is redriven."

    def replay_sentences(self) -> Iterator[Sentence]:
        """Say which notification it sends again, and which send it again."""
        first = self.notification.replay_of
        if first is not None:
            yield Sentence(
                f"It sends the notification {first} again, to those of its audience who did not "
                "get that."
            )
        for key, moment in self.replays:
            yield Sentence(
                f"It was sent again {at(moment)}, as {key}, to those who had not got it by then."
            )

    def _deliveries(self) -> list[Delivery]:
        mine = Delivery.objects.filter(notification=self.notification)
        found = [
            *mine.filter(contact_id__in=list(self.contacts), instead_of__isnull=True),
            *mine.filter(
                recipient_id=self.recipient_id, contact_id__isnull=True, instead_of__isnull=True
            ),
        ]
        found += Delivery.objects.filter(instead_of__in=[delivery.pk for delivery in found])
        return sorted(found, key=lambda delivery: delivery.pk)

    def _subscriptions(self) -> dict[str, Subscription]:
        if self.notification.topic_id is None:
            return {}
        rows = Subscription.objects.filter(
            Q(recipient=self.recipient_id) | Q(contact__in=list(self.contacts)),
            topic=self.notification.topic_id,
        ).select_related("contact")
        return {row.contact.channel if row.contact else row.channel: row for row in rows}
