"""Send an earlier notification again to those who did not get it.

A replay is a new notification with the content of the first one, and with its topic, group or
people, cut down to those of its deliveries that ended without reaching anybody. It is judged like
any other: who unsubscribed, refused it, was suppressed or erased since is not sent it.

All replays of a notification, and those of its replays, name the first one. The row of that is
locked while one is made, and one at a time is under way, so that nobody gets two of them.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.conf import settings
from django.db import connection

from apps.api.problems import Problem
from apps.core import clock
from apps.delivery import sealed_content, selectors
from apps.delivery.flow import availability
from apps.delivery.intake import load_shedding
from apps.delivery.intake.drafts import Draft, Slice
from apps.delivery.intake.earlier import deliveries_to_replay, replay_family
from apps.delivery.intake.earlier.deliveries_to_replay import Person, Undelivered
from apps.delivery.models import ChunkKind, DeadLetter, Notification
from apps.delivery.sealed_content import TemplateContent
from apps.preferences.categories import catalogue
from apps.preferences.models import Membership, Recipient
from apps.preferences.selectors import present
from apps.topics.models import Subscription, SubscriptionState
from apps.topics.selectors import TopicSnapshot, get_topic_by_id
from notifier.domain.categories import fold
from notifier.domain.messages import Content
from notifier.domain.states import DeliveryState
from notifier.security.crypto import DecryptionError

#: States of deliveries that may be replayed: nobody got them, and no wish of the person's kept them
#: from being sent.
STATES = (
    DeliveryState.DEAD,
    DeliveryState.FAILED,
    DeliveryState.BOUNCED,
    DeliveryState.EXPIRED,
    DeliveryState.CANCELLED,
)
#: Those that are replayed where none are named. A cancel was meant.
USUAL = tuple(state for state in STATES if state != DeliveryState.CANCELLED)
#: Members of an audience that are looked up with one query.
_AT_ONCE = 10_000


@dataclass(frozen=True, slots=True)
class Choice:
    """The deliveries to replay, by their states and channels (empty: all), and a new expiry."""

    states: Collection[str] = USUAL
    channels: Collection[str] = ()
    expires_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Replay:
    """A replay that can be accepted. ``taken``: ids of deliveries to the people whom it is for."""

    draft: Draft
    taken: Sequence[int]

    def take_over(self) -> None:
        """Delete the dead letters of its people, in its transaction: it is sent in their place."""
        DeadLetter.objects.filter(pk__in=self.taken).delete()


def prepare(publisher_id: int, notification_id: UUID, choice: Choice) -> Replay:
    """Return what is to be accepted, and lock the first notification until the transaction ends.

    Raises ``Problem`` where the notification or a replay of it is not done, where its content is
    gone, where it has expired and no other time is chosen, and where there is nobody to send it to.
    """
    assert connection.in_atomic_block
    row = selectors.notifications(publisher_id).defer(None).filter(pk=notification_id).first()
    if row is None:
        raise Problem("not-found", "You have no notification with this id.")
    first = row.replay_of or row.pk
    # Replays of one notification come one after another.
    list(Notification.objects.select_for_update().filter(pk=first).values_list("pk"))
    kin = replay_family.of(row)
    if not bytes(row.content):
        raise Problem(
            "content-gone",
            "What it said is deleted: nobody can send it again. Post anew what is still to be "
            "said.",
        )
    _require_ahead(row, choice)
    topic = _topic(row)
    channels = availability.available(choice.channels or settings.CHANNELS)
    found = deliveries_to_replay.find(row.pk, kin, choice.states, channels)
    slices, people = _slices(row, found.deliveries)
    if not slices and found.busy:
        raise Problem(
            "conflict",
            "Something else is changing the deliveries of those who did not get it. Ask again in a "
            "moment.",
        )
    if not slices:
        raise Problem(
            "conflict",
            "There is nobody to send it to again: who did not get it in these states and on these "
            "channels left, was erased or is gone, or is told of it by a digest that is a dead "
            "letter, which you can redrive.",
        )
    draft = _draft(row, first, topic, slices, choice, found.busy)
    return Replay(draft, [key for key, person in found.locked.items() if person in people])


def may_be(counts: Mapping[str, Mapping[str, int]]) -> bool:
    """Return whether there may be something to replay, by numbers by channel and state."""
    return any(states.get(state) for states in counts.values() for state in STATES)


def replays_of(row: Notification) -> list[UUID]:
    """Return the ids of the replays of a notification, and of those of its replays."""
    rows = Notification.objects.filter(replay_of=row.pk)
    return list(rows.order_by("pk").values_list("pk", flat=True))


def _require_ahead(row: Notification, choice: Choice) -> None:
    """Raise ``Problem`` where it has expired: what was not to be sent late needs an end again."""
    if (
        choice.expires_at is None
        and row.expires_at is not None
        and row.expires_at <= clock.moment()
    ):
        raise Problem(
            "conflict",
            f"It expired at {row.expires_at.isoformat(timespec='seconds')}. If it is still to be "
            "sent, say until when: replay it by the API with another expires_at.",
        )


def _topic(row: Notification) -> TopicSnapshot | None:
    if row.topic is None:
        return None
    topic = get_topic_by_id(row.topic.pk)
    if topic is None or row.topic.deleted_at is not None:
        raise Problem("conflict", "Its topic is deleted, and nobody is subscribed to it any more.")
    if not topic.visible_to(row.publisher_id):
        raise Problem("forbidden", "Its topic is another publisher's, who took the grant back.")
    return topic


def _slices(
    row: Notification, found: Sequence[Undelivered]
) -> tuple[Sequence[Slice], Collection[Person]]:
    """Return the slices of the audience, of those who are still in it, and who they are."""
    slices: list[Slice] = []
    people: set[Person] = set()
    by_channel: dict[str, list[Undelivered]] = defaultdict(list)
    for one in found:
        by_channel[one.channel].append(one)
    for channel, some in sorted(by_channel.items()):
        if row.topic_id is not None:
            kind, members = ChunkKind.LISTED, _subscribers(row.topic_id, channel, some)
        elif row.group_id is not None:
            kind, members = ChunkKind.LISTED, _members(row.group_id, some)
        else:
            kind, members = ChunkKind.NAMED, _recipients(some)
        people.update(members.values())
        ids = sorted(members)
        for start in range(0, len(ids), settings.CHUNK_SIZE):
            slices.append(Slice(kind, channel, ids[start : start + settings.CHUNK_SIZE]))
    return slices, people


def _recipients(found: Sequence[Undelivered]) -> dict[int, Person]:
    """Return the recipients of these deliveries who are still there, by id."""
    return {
        key: Person(key)
        for part in _parts({one.recipient_id for one in found})
        for key in present(Recipient.objects.filter(pk__in=part)).values_list("pk", flat=True)
    }


def _members(group_id: int, found: Sequence[Undelivered]) -> dict[int, Person]:
    """Return those who are still members of the group, by the ids of their memberships."""
    members: dict[int, Person] = {}
    for part in _parts({one.recipient_id for one in found}):
        rows = Membership.objects.filter(group=group_id, recipient__in=part)
        members.update((key, Person(who)) for key, who in rows.values_list("pk", "recipient_id"))
    return members


def _subscribers(topic_id: int, channel: str, found: Sequence[Undelivered]) -> dict[int, Person]:
    """Return those who are still subscribed to the topic, by the ids of their subscriptions."""
    rows = Subscription.objects.filter(
        topic=topic_id, channel=channel, state=SubscriptionState.ACTIVE
    )
    members: dict[int, Person] = {}
    for part in _parts({one.recipient_id for one in found}):
        own = rows.filter(recipient__in=part).values_list("pk", "recipient_id")
        members.update((key, Person(who)) for key, who in own)
    # A person's delivery may come from a subscription of their own contact.
    owners = {one.contact_id: one.person for one in found}
    for part in _parts(owners):
        of_contacts = rows.filter(contact__in=part).values_list("pk", "contact_id")
        members.update((key, owners[contact_id]) for key, contact_id in of_contacts)
    return members


def _parts(ids: Iterable[int | None]) -> Iterator[Sequence[int]]:
    known = sorted(key for key in ids if key is not None)
    for start in range(0, len(known), _AT_ONCE):
        yield known[start : start + _AT_ONCE]


def _draft(
    row: Notification,
    first: UUID,
    topic: TopicSnapshot | None,
    slices: Sequence[Slice],
    choice: Choice,
    busy: int,
) -> Draft:
    channels = sorted({one.channel for one in slices})
    warnings = list(load_shedding.check(row.priority, channels, fan_out=False, pointer=""))
    if busy:
        left = f"{busy:,} {'person is' if busy == 1 else 'people are'} left out"
        why = "something else is changing their deliveries. Replay it again once this is done."
        warnings.append({"pointer": "", "detail": f"{left}: {why}"})
    return Draft(
        content=_content(row),
        priority=row.priority,
        channels=channels,
        topic=topic,
        group_id=row.group_id,
        reachable_only=row.reachable_only,
        category=catalogue.find(fold(row.category)) or catalogue.default(),
        collapse_key=row.collapse_key,
        ordering_key=row.ordering_key,
        reference=row.reference,
        metadata=row.metadata or {},
        expires_at=choice.expires_at or row.expires_at,
        slices=slices,
        replay_of=first,
        warnings=warnings,
    )


def _content(row: Notification) -> Content | TemplateContent:
    stored = bytes(row.content)
    try:
        if row.template_version_id is None:
            return sealed_content.unseal(row.pk, stored)
        return sealed_content.unseal_template(row.pk, row.template_version_id, stored)
    except DecryptionError as error:
        raise Problem(
            "conflict",
            f"What it said cannot be read: {error}. An operator has to put the key it was "
            "encrypted with into NOTIFIER_ENCRYPTION_KEYS again; or post anew what is still to "
            "be said.",
        ) from None
