"""Where publishers are told what became of their deliveries: kept here, looked up from a cache."""

from collections.abc import Sequence
from typing import NamedTuple

from django.db import transaction

from apps.core.cache import CachedLookup
from apps.delivery.models import StatusWebhook
from apps.preferences.channels import WEBHOOK
from apps.preferences.contacts import services as preferences
from apps.preferences.contacts.services import Address
from apps.publishers.models import Publisher
from notifier.domain.states import TERMINAL, DeliveryState

#: What can be chosen: the states in which nothing more happens by itself.
EVENTS = [state.value for state in DeliveryState if state in TERMINAL]
#: Of one publisher; each may get a message for every fifty deliveries.
MOST = 10


class TooMany(Exception):
    """The publisher has ``MOST`` status webhooks already."""


class Kept(NamedTuple):
    """A status webhook as it stands after the call.

    ``before``: its events until then, ``None`` where it is new. ``secret`` is set if it was given
    or made just now.
    """

    row: StatusWebhook
    before: list[str] | None
    secret: str


@transaction.atomic
def keep(publisher_id: int, url: str, events: Sequence[str], secret: str = "") -> Kept:
    """Have ``url`` (as its channel's ``parse`` returned it) told of ``events``.

    A publisher's URL has one status webhook: asked for again, it gets these events, and is sent
    to again if it was disabled. Raises ``TooMany``.
    """
    # Two calls at once must not both find room.
    Publisher.objects.select_for_update(no_key=True).get(pk=publisher_id)
    wish = Address(None, WEBHOOK, url, secret=secret, publisher_id=publisher_id)
    contact = preferences.upsert_contacts([wish])[wish]
    own = StatusWebhook.objects.filter(publisher=publisher_id)
    row = own.filter(contact=contact.id).first()
    before = row.events if row else None
    if row is None:
        if own.count() >= MOST:
            raise TooMany
        row = StatusWebhook(publisher_id=publisher_id, contact_id=contact.id)
    row.events = _ordered(events)
    row.save()
    return Kept(row, before, contact.secret)


@transaction.atomic
def choose(row: StatusWebhook, events: Sequence[str]) -> None:
    """Tell it of these events from now on, also if it was disabled, but not by an operator."""
    row.events = _ordered(events)
    row.save(update_fields=["events"])
    if row.contact.disabled_reason != preferences.OPERATOR:
        preferences.enable_contact(row.contact)


def _ordered(events: Sequence[str]) -> list[str]:
    return [event for event in EVENTS if event in events]


class Listener(NamedTuple):
    """One status webhook, as the workers need it."""

    publisher_id: int
    contact_id: int
    events: Sequence[str]


def listeners() -> Sequence[Listener]:
    """Every publisher's status webhooks. They are few, so one look-up answers for any chunk."""
    return _listeners.get(_ALL) or ()


def changed() -> None:
    """Forget what is known of them, once the transaction that is under way commits."""
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
