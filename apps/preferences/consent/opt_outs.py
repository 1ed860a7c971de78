"""Opt-outs by text message: a person writes STOP to a sender of ours, and START to undo it.

A STOP suppresses the number, for every publisher and category: a message may leave by any sender of
the channel. It is undone by a START to each sender that was written STOP to, or by a link that was
sent to that number (``resume``), or by an operator who lifts the suppression. That a provider
refuses a message since the person opted out is the same, learnt later.

All writers lock in this order: contacts, the suppression, opt-outs.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from django.conf import settings
from django.db import connection, transaction
from django.db.models import Q

from apps.core import arrays, clock
from apps.preferences import audit_trail
from apps.preferences.audit_trail import Change, Entry
from apps.preferences.channels import SMS
from apps.preferences.consent import suppressions
from apps.preferences.consent.suppressions import Blocked
from apps.preferences.contacts.services import REMOVED, REPLACED, contacts_written
from apps.preferences.models import Contact, ContactState, OptOut, Suppression, SuppressionReason
from apps.publishers.audit import PROVIDER, Actor

#: The ``error`` of a suppression that a STOP made.
STOPPED = "STOP"


class Number(NamedTuple):
    """A phone number, by its blind index; ``masked`` is as people may see it."""

    address_index: bytes
    masked: str


class Refusal(NamedTuple):
    """A provider's refusal to send to a number that opted out of its sender.

    ``sent_at``: when the message was handed over, in unix seconds.
    """

    address_index: bytes
    masked: str
    provider: str
    sent_at: float


def sender_of(provider: str) -> str:
    """Return the number or messaging service that a provider's account sends from."""
    entry = settings.PROVIDERS.get(provider)
    return (entry and entry.get("sender")) or provider


def _senders() -> set[str]:
    """Return every sender of text messages; what others were written does not count."""
    found = settings.PROVIDERS.items()
    return {sender_of(provider) for provider, entry in found if entry["channel"] == SMS}


@transaction.atomic
def stop(number: Number, sender: str, provider: str) -> bool:
    """Record that somebody wrote STOP to ``sender``; return whether that is new.

    ``provider``: who reported it.
    """
    blocked = Blocked(
        SMS, *number, reason=SuppressionReason.OPTED_OUT, provider=provider, error=STOPPED
    )
    made = suppressions.suppress([blocked])
    opened = _open([(*number, sender, provider)])
    detail = f"wrote STOP to {sender}"
    entry = Entry(Change.STOPPED, None, SMS, number.address_index, number.masked, detail)
    audit_trail.record([entry], Actor(PROVIDER, provider))
    return bool(opened or made.new or made.stronger)


@transaction.atomic
def start(number: Number, sender: str, provider: str) -> bool:
    """Undo what a STOP to ``sender`` did; return whether there was anything to undo.

    The number stays suppressed while a STOP to another sender of ours stands, or for another cause.
    """
    return _undo(number, f"wrote START to {sender}", Actor(PROVIDER, provider), sender)


@transaction.atomic
def resume(recipient_id: int, contact_id: int, why: str) -> bool:
    """Undo what STOPs from one number of the person did, at all senders; return whether any did.

    The actor is that of the current request, who must have that phone. ``why`` is recorded. A
    provider that keeps a list of its own goes on refusing until it gets a START.
    """
    return any(_undo(number, why, None) for number in stopped_numbers(recipient_id, contact_id))


def stopped_numbers(recipient_id: int, contact_id: int | None = None) -> list[Number]:
    """Return the numbers of a person that are suppressed by a STOP, in order.

    ``contact_id``: of this contact only.
    """
    rows = Contact.objects.filter(recipient_id=recipient_id, channel=SMS)
    if contact_id is not None:
        rows = rows.filter(pk=contact_id)
    rows = rows.exclude(disabled_reason__in=[REMOVED, REPLACED])
    numbers = [
        Number(bytes(index), masked)
        for index, masked in rows.values_list("address_index", "masked")
    ]
    suppressed = Suppression.objects.filter(
        channel=SMS,
        address_index__in=[number.address_index for number in numbers],
        reason=SuppressionReason.OPTED_OUT,
    ).exclude(provider="")
    stopped = {bytes(index) for index in suppressed.values_list("address_index", flat=True)}
    return sorted(number for number in numbers if number.address_index in stopped)


def of_address(channel: str, address_index: bytes) -> list[OptOut]:
    """Return the opt-outs of an address, the newest first."""
    rows = OptOut.objects.filter(channel=channel, address_index=address_index)
    return list(rows.order_by("-opted_out_at"))


def is_suppressed(number: Number) -> bool:
    """Return whether anything still keeps text messages from a number, whatever its cause."""
    return Suppression.objects.filter(channel=SMS, address_index=number.address_index).exists()


def refused(refusals: Iterable[Refusal]) -> None:
    """Record what providers refused since the person had opted out, beside its suppression."""
    _open([(r.address_index, r.masked, sender_of(r.provider), r.provider) for r in refusals])


def outdated(refusals: Mapping[int, Refusal]) -> set[int]:
    """Return the keys of refusals of messages that were sent before the person wrote START."""
    found = {
        (bytes(index), sender): resumed_at
        for index, sender, resumed_at in OptOut.objects.filter(
            channel=SMS,
            address_index__in=[refusal.address_index for refusal in refusals.values()],
            resumed_at__isnull=False,
        ).values_list("address_index", "sender", "resumed_at")
    }
    return {
        key
        for key, refusal in refusals.items()
        if (at := found.get((refusal.address_index, sender_of(refusal.provider)))) is not None
        and refusal.sent_at < at.timestamp()
    }


_OPEN = """
    INSERT INTO preferences_optout AS o
        (channel, address_index, masked, sender, provider, opted_out_at)
    SELECT %s, w.*, clock_timestamp()
    FROM unnest(%s::bytea[], %s::text[], %s::text[], %s::text[])
        AS w (address_index, masked, sender, provider)
    ORDER BY w.address_index, w.sender
    ON CONFLICT (channel, address_index, sender) DO UPDATE
    SET opted_out_at = clock_timestamp(), resumed_at = NULL, provider = excluded.provider
    WHERE o.resumed_at IS NOT NULL
    RETURNING id"""


def _open(rows: Iterable[tuple[bytes, str, str, str]]) -> int:
    """Write opt-outs, ``(index, masked, sender, provider)``; return how many are new."""
    once = {(row[0], row[2]): row for row in rows}
    if not once:
        return 0
    index, masked, sender, provider = zip(*once.values(), strict=True)
    columns = [arrays.blobs(index), *map(arrays.texts, (masked, sender, provider))]
    with connection.cursor() as cursor:
        cursor.execute(_OPEN, [SMS, *columns])
        return len(cursor.fetchall())


def _undo(number: Number, why: str, by: Actor | None, sender: str | None = None) -> bool:
    """Undo the STOPs to ``sender``, or to every sender; return whether there were any."""
    of_number = Q(channel=SMS, address_index=number.address_index)
    refused = Contact.objects.filter(of_number, state=ContactState.DISABLED)
    refused = refused.filter(disabled_reason=SuppressionReason.OPTED_OUT).order_by("id")
    disabled = list(refused.select_for_update(no_key=True))
    suppression = Suppression.objects.filter(of_number).select_for_update().first()
    opt_outs = list(OptOut.objects.filter(of_number).select_for_update().order_by("id"))
    active = {row.sender for row in opt_outs if row.resumed_at is None}
    if suppression is not None and not suppressions.is_reported_opt_out(suppression):
        suppression = None  # it has another cause
    if suppression is not None:
        reporter = suppression.provider
        if not active:  # from before they were kept, or by an old process
            _open([(*number, sender_of(reporter), reporter)])
            active.add(sender_of(reporter))
    senders = _senders()
    if sender is None:
        undone = active
    elif sender in senders:  # those that are none any more go with it
        undone = active - (senders - {sender})
    else:
        undone = active & {sender}
    if not undone:
        # An operator has lifted the suppression, which enables no contact.
        disabled = [row for row in disabled if sender in (None, sender_of(row.disabled_by))]
        suppression = None
        if not disabled:
            return False
    OptOut.objects.filter(of_number, sender__in=undone).update(resumed_at=clock.moment())
    entry = Entry(Change.RESUMED, None, SMS, number.address_index, number.masked, why)
    audit_trail.record([entry], by)
    if (active - undone) & senders:
        return True
    if suppression is not None:
        suppressions.undo_opt_out(suppression, why, by)
    _enable(disabled, why, by)
    return True


def _enable(contacts: Sequence[Contact], why: str, by: Actor | None) -> None:
    """Enable contacts that were disabled since their owner had opted out."""
    enabled = Contact.objects.filter(pk__in=[row.pk for row in contacts])
    enabled.update(
        state=ContactState.ACTIVE,
        disabled_reason="",
        disabled_by="",
        disabled_error="",
        disabled_delivery=None,
        disabled_at=None,
        updated_at=clock.moment(),
    )
    owned = [row for row in contacts if row.recipient_id is not None]
    audit_trail.record(
        (
            Entry(
                Change.CONTACT_ENABLED,
                row.recipient_id,
                row.channel,
                bytes(row.address_index),
                row.masked,
                why,
            )
            for row in owned
        ),
        by,
    )
    if owned:
        contacts_written.send(Contact, recipient_ids={row.recipient_id for row in owned})
