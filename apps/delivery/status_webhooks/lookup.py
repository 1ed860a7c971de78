"""Rows of status webhooks: saved by the API, and read by workers through a cache."""

from collections.abc import Sequence
from typing import NamedTuple

from django.db import transaction

from apps.core.cache import CachedLookup
from apps.delivery.models import StatusWebhook
from apps.preferences.channels import WEBHOOK
from apps.preferences.contacts import services as preferences
from apps.preferences.contacts.services import Address
from apps.publishers.services import lock_publisher
from notifier.domain.states import TERMINAL, DeliveryState

#: The event that somebody replied to a text message of the publisher.
MESSAGE_RECEIVED = "message.received"
#: The event that somebody changed a preference on a page, or left by a link.
PREFERENCE_CHANGED = "preference.changed"
#: Events that can be chosen: the states after which nothing more happens by itself, and those two.
EVENTS = [
    *(state.value for state in DeliveryState if state in TERMINAL),
    MESSAGE_RECEIVED,
    PREFERENCE_CHANGED,
]
#: Status webhooks of a publisher at most: each may get a message for every fifty deliveries.
MOST = 10


class TooMany(Exception):
    """The publisher has ``MOST`` status webhooks already."""


class Saved(NamedTuple):
    """A saved status webhook.

    ``before``: its previous events, ``None`` if it is new. ``secret``: empty unless it was given or
    generated now.
    """

    row: StatusWebhook
    before: list[str] | None
    secret: str


@transaction.atomic
def save(publisher_id: int, url: str, events: Sequence[str], secret: str = "") -> Saved:
    """Create or update the status webhook of a publisher's URL.

    ``url``: as its channel's ``parse`` returned it. An existing one gets these events, and is
    enabled if it was disabled. Raises ``TooMany``.
    """
    lock_publisher(publisher_id)  # two concurrent calls must not both pass the limit
    address = Address(None, WEBHOOK, url, secret=secret, publisher_id=publisher_id)
    contact = preferences.upsert_contacts([address])[address]
    own = StatusWebhook.objects.filter(publisher=publisher_id)
    row = own.filter(contact=contact.id).first()
    before = row.events if row else None
    if row is None:
        if own.count() >= MOST:
            raise TooMany
        row = StatusWebhook(publisher_id=publisher_id, contact_id=contact.id)
    row.events = _ordered(events)
    row.save()
    return Saved(row, before, contact.secret)


@transaction.atomic
def set_events(row: StatusWebhook, events: Sequence[str]) -> None:
    """Set the events, and enable the endpoint unless an operator disabled it."""
    row.events = _ordered(events)
    row.save(update_fields=["events"])
    if row.contact.disabled_reason != preferences.OPERATOR:
        preferences.enable_contact(row.contact)


def _ordered(events: Sequence[str]) -> list[str]:
    return [event for event in EVENTS if event in events]


class Listener(NamedTuple):
    """A status webhook, as the workers need it."""

    publisher_id: int
    contact_id: int
    events: Sequence[str]


def listeners() -> Sequence[Listener]:
    """Return the status webhooks of all publishers: few, so that one look-up serves any claim."""
    return _listeners.get(_ALL) or ()


def changed() -> None:
    """Invalidate the cache after the current transaction commits."""
    _listeners.changed(_ALL)


def _load(_: str) -> list[Listener]:
    rows = StatusWebhook.objects.order_by("id")
    return [Listener(*row) for row in rows.values_list("publisher_id", "contact_id", "events")]


_ALL = "all"
_listeners: CachedLookup[list[Listener]] = CachedLookup(
    "status-webhooks",
    _load,
    lambda listeners: [list(listener) for listener in listeners],
    lambda packed: [Listener(*row) for row in packed],
)
