"""Suppress addresses that a provider refuses for good."""

from collections import defaultdict
from collections.abc import Mapping
from typing import NamedTuple

from apps.preferences.channels import WEBHOOK
from apps.preferences.consent.suppressions import Blocked, suppress
from apps.preferences.models import Contact, SuppressionReason
from notifier.domain.outcomes import Reason

#: Reason of the suppression for each reason of a refusal.
AT_SENDING: Mapping[str, str] = defaultdict(
    lambda: SuppressionReason.DEAD_ADDRESS, {Reason.OPTED_OUT: SuppressionReason.OPTED_OUT}
)


#: Most characters of a provider's error code that are kept with a contact or suppression.
ERROR_LIMIT = 100


class Cause(NamedTuple):
    """Reason and origin of a suppression or of a disabled contact.

    ``reason``: of the suppression. ``error``: the provider's own code, given for ``delivery_id``.
    """

    reason: str
    provider: str
    error: str
    delivery_id: int


def suppress_contacts(causes: Mapping[int, Cause]) -> None:
    """Suppress the addresses of these contacts (by id), whichever recipients have them.

    Except webhook endpoints: one refuses its own publisher, and another may use the same URL.
    """
    rows = Contact.objects.filter(pk__in=causes).exclude(channel=WEBHOOK)
    suppress(
        Blocked(channel, bytes(index), masked, *causes[pk])
        for pk, channel, index, masked in rows.values_list(
            "pk", "channel", "address_index", "masked"
        )
    )
