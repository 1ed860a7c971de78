"""Whether a receipt is about a message of ours: it acts on what we sent, and on nothing else.

A provider signs for its whole account. That may serve other installations and other programs, and
whoever may send through it can have a receipt of theirs name a delivery of ours.
"""

from collections import defaultdict
from collections.abc import Iterable
from enum import StrEnum

from django.conf import settings

from apps.delivery.state import DeliveryStanding
from apps.preferences import vault
from apps.preferences.models import Contact
from notifier.domain.delivery_ids import DeliveryId
from notifier.domain.states import DeliveryState
from notifier.receipts import ReportedEvent
from notifier.security.crypto import DecryptionError


class Stranger(StrEnum):
    """Why an event is none of ours, as it is counted."""

    INSTALLATION = "other_installation"  # it names no delivery, or one of another installation
    DELIVERY = "unknown_delivery"  # gone by now, or of another channel than the provider's
    ADDRESS = "other_address"  # than the one that the delivery went to
    MESSAGE = "other_message"  # than those that this provider may have of the delivery


def is_ours(name: DeliveryId | None) -> bool:
    """Whether an event names a delivery of this installation; before they were named it named
    none."""
    return name is not None and name.installation in ("", settings.INSTALLATION)


def stranger(
    told: ReportedEvent,
    provider: str,
    name: DeliveryId,
    standing: DeliveryStanding | None,
    address: str,
) -> Stranger | None:
    """Why the event is not about a message of the delivery; ``None`` where it is, or may be.

    ``address``: where the delivery went, empty where that is not known any more.
    """
    if standing is None or standing.channel != settings.PROVIDERS[provider]["channel"]:
        return Stranger.DELIVERY
    if told.address and address and told.address.casefold() != address.casefold():
        return Stranger.ADDRESS
    if standing.took(provider, told.message_id):
        return None
    if not name.installation:
        return Stranger.INSTALLATION
    if standing.may_have(provider) or is_undecided(standing, provider, told.message_id):
        return None
    return Stranger.MESSAGE


def is_undecided(standing: DeliveryStanding, provider: str, message_id: str) -> bool:
    """Whether a call is under way, and only its answer will tell whose message it is."""
    return standing.state == DeliveryState.SENDING and not (
        standing.took(provider, message_id) or standing.may_have(provider)
    )


def addresses(standing: Iterable[DeliveryStanding]) -> dict[int, str]:
    """Where deliveries went, by their keys; without those that cannot be read any more."""
    sent_to = defaultdict(list)
    for one in standing:
        if one.contact_id is not None:
            sent_to[one.contact_id].append(one.id)
    found: dict[int, str] = {}
    rows = Contact.objects.filter(pk__in=sent_to)
    for contact, sealed, index in rows.values_list("pk", "address", "address_index"):
        try:
            address = vault.open(bytes(sealed), bytes(index))
        except DecryptionError:
            continue
        found |= dict.fromkeys(sent_to[contact], address)
    return found
