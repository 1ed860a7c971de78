"""Attribution: decide whether an event of a receipt is about a message that this service sent.

A provider signs for its whole account. Other installations and programs may use the same account,
and anybody who may send through it can have a receipt name one of our deliveries.
"""

from collections import defaultdict
from collections.abc import Iterable
from enum import StrEnum

from django.conf import settings

from apps.delivery.state import DeliveryStatus
from apps.preferences.selectors import readable_addresses
from notifier.domain.ids.delivery_ids import DeliveryId
from notifier.domain.states import DeliveryState
from notifier.receipts import ReportedEvent


class IgnoreReason(StrEnum):
    """Reason for which an event is ignored, as the metrics count it."""

    INSTALLATION = "other_installation"  # it names no delivery, or one of another installation
    # gone by now, to somebody who was erased, or of another channel than the provider's
    DELIVERY = "unknown_delivery"
    ADDRESS = "other_address"  # than the one that the delivery went to
    MESSAGE = "other_message"  # than those that this provider may have of the delivery


def is_ours(name: DeliveryId | None) -> bool:
    """Return whether an event names a delivery of this installation.

    Older ids name no installation and are accepted.
    """
    return name is not None and name.installation in ("", settings.INSTALLATION)


def ignore_reason(
    reported: ReportedEvent,
    provider: str,
    name: DeliveryId,
    status: DeliveryStatus | None,
    address: str,
) -> IgnoreReason | None:
    """Return why an event is not about a message of the delivery; ``None`` if it is or may be.

    ``status``: the delivery, ``None`` if there is none. ``address``: where it was sent, empty if
    that is not known any more.
    """
    if status is None or status.contact_id is None:
        return IgnoreReason.DELIVERY
    if status.channel != settings.PROVIDERS[provider]["channel"]:
        return IgnoreReason.DELIVERY
    if reported.address and address and reported.address.casefold() != address.casefold():
        return IgnoreReason.ADDRESS
    if status.took(provider, reported.message_id):
        return None
    if not name.installation:
        return IgnoreReason.INSTALLATION
    if status.may_have(provider) or is_undecided(status, provider, reported.message_id):
        return None
    return IgnoreReason.MESSAGE


def is_undecided(status: DeliveryStatus, provider: str, message_id: str) -> bool:
    """Return whether a call is under way whose answer will decide whose message it is."""
    return status.state == DeliveryState.SENDING and not (
        status.took(provider, message_id) or status.may_have(provider)
    )


def addresses(statuses: Iterable[DeliveryStatus]) -> dict[int, str]:
    """Decrypt the addresses of deliveries, by delivery id; unreadable ones are left out."""
    sent_to = defaultdict(list)
    for one in statuses:
        if one.contact_id is not None:
            sent_to[one.contact_id].append(one.id)
    return {
        delivery_id: address
        for contact_id, address in readable_addresses(sent_to).items()
        for delivery_id in sent_to[contact_id]
    }
