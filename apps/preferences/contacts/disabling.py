"""Act on what a provider reports of contacts: disable them, and suppress their addresses."""

from collections.abc import Mapping
from typing import NamedTuple

from django.db import connection

from apps.preferences import audit_trail
from apps.preferences.audit_trail import Change, Entry
from apps.preferences.channels import SMS, WEBHOOK
from apps.preferences.consent import opt_outs
from apps.preferences.consent.opt_outs import Refusal
from apps.preferences.consent.suppressions import Blocked, suppress
from apps.preferences.models import Contact, SuppressionReason

#: Most characters of a provider's error code that are kept with a contact or suppression.
ERROR_LIMIT = 100


class ProviderReport(NamedTuple):
    """A provider's report that an address must not be sent to any more.

    ``reason``: of the suppression. ``error``: the provider's own code, given for ``delivery_id``.
    ``sent_at``: when the message was handed over to the provider, in unix seconds: the person may
    have opted in again since.
    """

    reason: str
    provider: str
    error: str
    delivery_id: int
    sent_at: float = float("inf")


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
    reports = _current(reports)
    if not reports:
        return
    columns = [list(column) for column in zip(*(one[:4] for one in reports.values()), strict=True)]
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
    _suppress(reports)


def suppress_addresses(reports: Mapping[int, ProviderReport]) -> None:
    """Suppress the addresses of these contacts (by id), whichever recipients have them.

    Except webhook endpoints: one refuses its own publisher, and another may use the same URL.
    """
    if reports := _current(reports):
        _suppress(reports)


def _current(reports: Mapping[int, ProviderReport]) -> Mapping[int, ProviderReport]:
    """Leave out refusals of messages that were sent before the person opted in again."""
    refusals = _refusals(reports)
    outdated = opt_outs.outdated(refusals) if refusals else set()
    return {pk: report for pk, report in reports.items() if pk not in outdated}


def _suppress(reports: Mapping[int, ProviderReport]) -> None:
    rows = Contact.objects.filter(pk__in=reports).exclude(channel=WEBHOOK)
    suppress(
        Blocked(channel, bytes(index), masked, *reports[pk][:4])
        for pk, channel, index, masked in rows.values_list(
            "pk", "channel", "address_index", "masked"
        )
    )
    opt_outs.refused(_refusals(reports).values())


def _refusals(reports: Mapping[int, ProviderReport]) -> dict[int, Refusal]:
    """Return those of reports that say that somebody opted out of text messages, by contact."""
    opted_out = [pk for pk, one in reports.items() if one.reason == SuppressionReason.OPTED_OUT]
    if not opted_out:
        return {}
    rows = Contact.objects.filter(pk__in=opted_out, channel=SMS)
    return {
        pk: Refusal(bytes(index), masked, reports[pk].provider, reports[pk].sent_at)
        for pk, index, masked in rows.values_list("pk", "address_index", "masked")
    }
