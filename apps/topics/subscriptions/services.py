"""Subscribe to a topic and unsubscribe, any number of subscribers in a few statements.

Every statement takes its rows in key order, so that concurrent calls about the same people wait for
each other and do not deadlock.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from django.db import connection, transaction
from django.db.models import QuerySet

from apps.core import clock
from apps.preferences import selectors as recipients
from apps.preferences import vault
from apps.preferences.contacts import services as contact_services
from apps.preferences.contacts.services import Address
from apps.topics.models import Confirmation, Subscription, SubscriptionState
from apps.topics.selectors import TopicSnapshot
from apps.topics.stored_policies import StoredPolicy


class Subscriber(NamedTuple):
    """A recipient on one channel."""

    user_id: str
    channel: str


class Subscribed(NamedTuple):
    """A subscription after the call. ``secret``: see ``contact_services.Stored``.

    ``begun`` is whether the call began the subscription, or began it again.
    """

    id: int
    channel: str
    state: str
    secret: str = ""
    begun: bool = False


@transaction.atomic
def subscribe_recipients(
    topic: TopicSnapshot, subscribers: Sequence[Subscriber]
) -> dict[Subscriber, Subscribed]:
    """Subscribe recipients; unknown ones are left out.

    Present subscriptions stay as they are; ended ones are active again. If the topic requires
    confirmation, new and renewed ones are pending, and queued to be asked for it.
    """
    people = recipients.recipient_ids({one.user_id for one in subscribers})
    known = {(people[name], channel) for name, channel in subscribers if name in people}
    if not known:
        return {}
    columns = [list(column) for column in zip(*sorted(known), strict=True)]
    with connection.cursor() as cursor:
        cursor.execute(_SUBSCRIBE_RECIPIENTS, [topic.id, *_start(topic), *columns])
        found = {(recipient, channel): rest for recipient, channel, *rest in cursor.fetchall()}
        begun = frozenset(found)
        if unchanged := list({recipient for recipient, _ in known - found.keys()}):
            cursor.execute(_SUBSCRIPTIONS_OF_RECIPIENTS, [topic.id, unchanged])
            found |= {(recipient, channel): rest for recipient, channel, *rest in cursor.fetchall()}
    return {
        one: Subscribed(found[row][0], one.channel, found[row][1], begun=row in begun)
        for one in subscribers
        if (row := (people.get(one.user_id), one.channel)) in found
    }


def _start(topic: TopicSnapshot) -> tuple[str, bool, bool]:
    """Return a new subscription's state, its ``asks``, and whether to queue a confirmation."""
    if topic.requires_confirmation:
        return SubscriptionState.PENDING, True, True
    return SubscriptionState.ACTIVE, False, False


# An ended subscription begins again. A pending one stays so: only the subscriber can confirm it.
_BEGIN_AGAIN = """
        state = excluded.state, asks = excluded.asks, confirm_at = excluded.confirm_at,
        updated_at = now()
    WHERE s.state = 'unsubscribed'"""
# Neither statement joins the input with a table: without statistics (on a fresh installation)
# PostgreSQL joined on the channel first, and took 6 s for 5,000 people.
_SUBSCRIBE_RECIPIENTS = f"""
    INSERT INTO topics_subscription AS s
        (topic_id, state, asks, confirm_at, recipient_id, channel, created_at, updated_at)
    SELECT %s::bigint, %s, %s, CASE WHEN %s THEN now() END, w.*, now(), now()
    FROM unnest(%s::bigint[], %s::text[]) AS w
    ON CONFLICT (topic_id, channel, recipient_id) WHERE recipient_id IS NOT NULL
    DO UPDATE SET {_BEGIN_AGAIN}
    RETURNING recipient_id, channel, id, state"""
_SUBSCRIPTIONS_OF_RECIPIENTS = """
    SELECT recipient_id, channel, id, state FROM topics_subscription
    WHERE topic_id = %s AND recipient_id = ANY(%s)"""


@transaction.atomic
def subscribe_endpoints(
    topic: TopicSnapshot, addresses: Iterable[Address]
) -> dict[Address, Subscribed]:
    """Subscribe bare endpoints, which are contacts of the topic's publisher."""
    stored = contact_services.upsert_contacts(addresses)
    if not stored:
        return {}
    contacts = [contact.id for contact in stored.values()]
    channels = [contact.channel for contact in stored.values()]
    with connection.cursor() as cursor:
        cursor.execute(_SUBSCRIBE_CONTACTS, [topic.id, *_start(topic), contacts, channels])
        begun = {contact for (contact,) in cursor.fetchall()}
        cursor.execute(_SUBSCRIPTIONS_OF_CONTACTS, [topic.id, contacts])
        found = {contact: (row, state) for contact, row, state in cursor.fetchall()}
    return {
        address: Subscribed(
            *(found[contact.id][0], contact.channel, found[contact.id][1], contact.secret),
            begun=contact.id in begun,
        )
        for address, contact in stored.items()
    }


_SUBSCRIBE_CONTACTS = f"""
    INSERT INTO topics_subscription AS s
        (topic_id, state, asks, confirm_at, channel, contact_id, created_at, updated_at)
    SELECT DISTINCT %s::bigint, %s, %s, CASE WHEN %s THEN now() END, w.channel, w.id, now(), now()
    FROM unnest(%s::bigint[], %s::text[]) AS w (id, channel)
    ORDER BY w.id
    ON CONFLICT (topic_id, contact_id) WHERE contact_id IS NOT NULL
    DO UPDATE SET {_BEGIN_AGAIN}
    RETURNING contact_id"""
_SUBSCRIPTIONS_OF_CONTACTS = """
    SELECT contact_id, id, state FROM topics_subscription
    WHERE topic_id = %s AND contact_id = ANY(%s)"""


def set_retry_policies(policies: Mapping[int, StoredPolicy | None]) -> None:
    """Set the retry policies of subscriptions, by id."""
    if not policies:
        return
    ordered = sorted(policies.items())
    with connection.cursor() as cursor:
        cursor.execute(
            """UPDATE topics_subscription s SET retry_policy = w.policy::jsonb, updated_at = now()
            FROM unnest(%s::bigint[], %s::text[]) AS w (id, policy) WHERE s.id = w.id""",
            [
                [key for key, _ in ordered],
                [None if policy is None else json.dumps(policy) for _, policy in ordered],
            ],
        )


def unsubscribe_recipient(topic_id: int, recipient_id: int, channels: Sequence[str]) -> int:
    """End a recipient's subscriptions on these channels, or on all if empty; return how many."""
    rows = Subscription.objects.filter(topic=topic_id, recipient=recipient_id)
    return _end(rows.filter(channel__in=channels) if channels else rows)


def unsubscribe_endpoint(topic_id: int, channel: str, address: str) -> int:
    """End a bare endpoint's subscription; return how many ended."""
    rows = Subscription.objects.filter(
        topic=topic_id,
        contact__recipient=None,
        contact__channel=channel,
        contact__address_index=vault.index_of(channel, address),
    )
    return _end(rows)


def unsubscribe(subscription: Subscription) -> bool:
    """End one subscription; return whether it had not ended before."""
    return bool(_end(Subscription.objects.filter(pk=subscription.pk)))


@transaction.atomic
def _end(rows: QuerySet[Subscription]) -> int:
    Confirmation.objects.filter(subscription__in=rows.filter(asks=True)).delete()
    return rows.exclude(state=SubscriptionState.UNSUBSCRIBED).update(
        state=SubscriptionState.UNSUBSCRIBED, confirm_at=None, updated_at=clock.moment()
    )
