"""Act on what a provider reports of contacts: disable them, and suppress their addresses."""

from collections.abc import Mapping
from typing import NamedTuple

from django.db import connection

from apps.preferences import audit_trail
from apps.preferences.audit_trail import Change, Entry
from apps.preferences.channels import WEBHOOK
from apps.preferences.consent.suppressions import Blocked, suppress
from apps.preferences.models import Contact

#: Most characters of a provider's error code that are kept with a contact or suppression.
ERROR_LIMIT = 100


class ProviderReport(NamedTuple):
    """A provider's report that an address must not be sent to any more.

    ``reason``: of the suppression. ``error``: the provider's own code, given for ``delivery_id``.
    """

    reason: str
    provider: str
    error: str
    delivery_id: int


_DISABLE = """
    UPDATE preferences_contact c
    SET state = 'disabled', disabled_reason = r.reason, disabled_by = r.provider,
        disabled_error = r.error, disabled_delivery = r.delivery, disabled_at = clock_timestamp(),
        updated_at = clock_timestamp()
    FROM unnest(%s::bigint[], %s::text[], %s::text[], %s::text[], %s::bigint[])
        AS r (id, reason, provider, error, delivery)
    WHERE c.id = r.id AND c.state = 'active'
    RETURNING c.id, c.recipient_id, c.channel, c.address_index, c.masked"""


def disable_contacts(reports: Mapping[int, ProviderReport]) -> None:
    """Disable these contacts (by id) and suppress their addresses, in the caller's transaction."""
    columns = [list(column) for column in zip(*reports.values(), strict=True)]
    with connection.cursor() as cursor:
        cursor.execute(_DISABLE, [list(reports), *columns])
        disabled = cursor.fetchall()
    audit_trail.record_reported(
        (
            reports[pk].provider,
            Entry(
                Change.CONTACT_DISABLED,
                recipient,
                channel,
                bytes(index),
                masked,
                reports[pk].reason,
            ),
        )
        for pk, recipient, channel, index, masked in disabled
        if recipient is not None
    )
    suppress_addresses(reports)


def suppress_addresses(reports: Mapping[int, ProviderReport]) -> None:
    """Suppress the addresses of these contacts (by id), whichever recipients have them.

    Except webhook endpoints: one refuses its own publisher, and another may use the same URL.
    """
    rows = Contact.objects.filter(pk__in=reports).exclude(channel=WEBHOOK)
    suppress(
        Blocked(channel, bytes(index), masked, *reports[pk])
        for pk, channel, index, masked in rows.values_list(
            "pk", "channel", "address_index", "masked"
        )
    )
