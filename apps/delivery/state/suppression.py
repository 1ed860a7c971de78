"""Addresses that deliveries turned out to have no business at."""

from collections import defaultdict
from collections.abc import Mapping
from typing import NamedTuple

from apps.preferences.channels import WEBHOOK
from apps.preferences.consent.suppressions import Blocked, suppress
from apps.preferences.models import Contact, SuppressionReason
from notifier.domain.outcomes import Reason

#: Why a provider refuses an address for good -> why it is suppressed.
AT_SENDING: Mapping[str, str] = defaultdict(
    lambda: SuppressionReason.DEAD_ADDRESS, {Reason.OPTED_OUT: SuppressionReason.OPTED_OUT}
)


#: Characters of a provider's code that are kept with a contact or suppression.
ERROR_LIMIT = 100


class Cause(NamedTuple):
    """Why an address is not sent to any more: ``reason`` as of a suppression, and the provider's
    ``error`` (its own code) for a delivery."""

    reason: str
    provider: str
    error: str
    delivery_id: int


def suppress_contacts(causes: Mapping[int, Cause]) -> None:
    """Suppress the addresses of these contacts (id -> cause), whoever else has them.

    Not an endpoint's: it refuses its own publisher, and another may have the same URL.
    """
    rows = Contact.objects.filter(pk__in=causes).exclude(channel=WEBHOOK)
    suppress(
        Blocked(channel, bytes(index), masked, *causes[pk])
        for pk, channel, index, masked in rows.values_list(
            "pk", "channel", "address_index", "masked"
        )
    )
