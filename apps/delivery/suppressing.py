"""Addresses that deliveries turned out to have no business at."""

from collections import defaultdict
from collections.abc import Mapping

from apps.preferences.channels import WEBHOOK
from apps.preferences.models import Contact, SuppressionReason
from apps.preferences.services import Blocked, suppress
from notifier.outcomes import Reason

#: Why a provider refuses an address for good -> why it is suppressed.
AT_SENDING: Mapping[str, str] = defaultdict(
    lambda: SuppressionReason.DEAD_ADDRESS, {Reason.OPTED_OUT: SuppressionReason.OPTED_OUT}
)


def suppress_contacts(reasons: Mapping[int, str]) -> None:
    """Suppress the addresses of these contacts (id -> reason), whoever else has them.

    Not an endpoint's: it refuses its own publisher, and another may have the same URL.
    """
    rows = Contact.objects.filter(pk__in=reasons).exclude(channel=WEBHOOK)
    suppress(
        Blocked(channel, bytes(index), masked, reasons[pk])
        for pk, channel, index, masked in rows.values_list(
            "pk", "channel", "address_index", "masked"
        )
    )
