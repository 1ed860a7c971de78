"""Read recipients, contacts, preferences, groups and suppressions."""

from collections.abc import Collection, Iterable
from contextlib import suppress
from itertools import islice
from typing import NamedTuple

from django.conf import settings
from django.db import connection
from django.db.models import Q, QuerySet

from apps.api.problems import Problem
from apps.preferences import vault
from apps.preferences.channels import EMAIL, INBOX, PUSH, all_channels, get_channel
from apps.preferences.consent import spellings
from apps.preferences.contacts.services import MOVED, REMOVED, REPLACED
from apps.preferences.models import (
    Contact,
    ContactState,
    Group,
    Membership,
    Preference,
    Recipient,
    Suppression,
)
from notifier.domain.ids import user_ids
from notifier.security.crypto import DecryptionError

#: Begins the ``user_id`` of a recipient who is being erased. No ``user_id`` has a slash, so nobody
#: can name it.
ERASING = "erased/"
#: Names per statement, which bounds the memory that a large batch takes.
LOOKED_UP = 5_000


def check_named(user_id: str) -> None:
    """Raise a ``Problem`` for an invalid ``user_id``."""
    try:
        user_ids.check(user_id)
    except ValueError as error:
        raise Problem("invalid-request", str(error)) from None


def find_recipient(user_id: str) -> Recipient | None:
    """Return the recipient with exactly this ``user_id``."""
    return Recipient.objects.filter(user_id=user_id).first()


def present(rows: QuerySet[Recipient]) -> QuerySet[Recipient]:
    """Leave out recipients who are being erased."""
    return rows.exclude(user_id__startswith=ERASING)


def user_ids_of(recipient_ids: Iterable[int | None]) -> dict[int | None, str]:
    """Map ids of recipients to their ``user_id``."""
    rows = present(Recipient.objects.filter(pk__in={key for key in recipient_ids if key}))
    return dict(rows.values_list("pk", "user_id"))


def masked_addresses(contact_ids: Iterable[int | None]) -> dict[int | None, str]:
    """Map ids of contacts to their addresses as people may see them."""
    rows = Contact.objects.filter(pk__in={key for key in contact_ids if key})
    return dict(rows.values_list("pk", "masked"))


def readable_addresses(contact_ids: Collection[int]) -> dict[int, str]:
    """Decrypt the addresses of contacts, by id; those whose key is gone are left out."""
    found: dict[int, str] = {}
    rows = Contact.objects.filter(pk__in=contact_ids)
    for key, sealed, index in rows.values_list("pk", "address", "address_index"):
        with suppress(DecryptionError):
            found[key] = vault.open(bytes(sealed), bytes(index))
    return found


def active_contacts(contact_ids: Collection[int]) -> set[int]:
    """Return the ids of those of these contacts that may be sent to."""
    rows = Contact.objects.filter(pk__in=contact_ids, state=ContactState.ACTIVE)
    return set(rows.values_list("pk", flat=True))


def recipient_ids(user_ids: Collection[str]) -> dict[str, int]:
    """Map each ``user_id`` of a recipient to its id."""
    with connection.cursor() as cursor:  # runs for every notification; the ORM took half the time
        cursor.execute(
            "SELECT user_id, id FROM preferences_recipient WHERE user_id = ANY(%s)",
            [list(user_ids)],
        )
        return dict(cursor.fetchall())


class Reached(NamedTuple):
    """A recipient, and the channels on which they have an active contact."""

    id: int
    channels: frozenset[str]


def reached(user_ids: Iterable[str]) -> dict[str, Reached]:
    """Return the recipients among these, by ``user_id``; a statement for each ``LOOKED_UP``."""
    found: dict[str, Reached] = {}
    names = iter(user_ids)
    with connection.cursor() as cursor:
        while some := set(islice(names, LOOKED_UP)):
            cursor.execute(REACHED, {"user_ids": list(some)})
            for user_id, row, channels in cursor.fetchall():
                found[user_id] = Reached(row, frozenset(channels))
    return found


#: Query ``user_id, id, channels`` of the recipients among ``user_ids``.
REACHED = f"""
    SELECT r.user_id, r.id,
           ARRAY(SELECT c.channel::text FROM preferences_contact c
                  WHERE c.recipient_id = r.id AND c.state = '{ContactState.ACTIVE}') AS channels
      FROM preferences_recipient r WHERE r.user_id = ANY(%(user_ids)s)"""


def get_recipient(user_id: str) -> Recipient:
    """Return the recipient. Raises a ``Problem``: 404 if unknown, 400 for an invalid id."""
    check_named(user_id)
    recipient = find_recipient(user_id)
    if recipient is None:
        raise Problem(
            "not-found", f"There is no recipient {user_id!r}. PUT /v1/recipients/… creates one."
        )
    return recipient


def _present(recipient_id: int) -> QuerySet[Contact]:
    """Return contacts that were not removed; those that a provider refused are included."""
    return (
        Contact.objects.filter(recipient_id=recipient_id)
        .exclude(disabled_reason__in=[REMOVED, MOVED, REPLACED])
        .defer("address", "secret")
    )


def devices(recipient_id: int) -> QuerySet[Contact]:
    """Return the recipient's devices."""
    return _present(recipient_id).filter(channel=PUSH).order_by("id")


def contacts(recipient_id: int) -> QuerySet[Contact]:
    """Return the recipient's contacts, apart from devices and the inbox."""
    return _present(recipient_id).exclude(channel__in=[PUSH, INBOX]).order_by("id")


def within_limit(rows: QuerySet[Contact]) -> QuerySet[Contact]:
    """Cut a recipient's contacts to the limit: there may be more from before there was one."""
    return rows[: settings.CONTACTS_PER_CHANNEL * len(settings.CHANNELS)]


def contact_at(recipient_id: int, channel: str, address: str) -> QuerySet[Contact]:
    """Return the recipient's contact of an address, as its channel's ``parse`` returned that."""
    index = vault.index_of(channel, address)
    return _present(recipient_id).filter(channel=channel, address_index=index)


def spelt(address: str) -> Q:
    """Return the condition for rows of an address, in any spelling, on any channel but the inbox.

    Such rows have ``channel`` and ``address_index``.
    """
    found = Q(pk=None)
    for name in all_channels().keys() - {INBOX}:
        for platform in ("ios", "android") if name == PUSH else ("",):
            with suppress(ValueError):
                parsed = get_channel(name).parse(address, platform)
                found |= Q(channel=name, address_index=vault.index_of(name, parsed))
    return found


def contacts_of_address(address: str) -> QuerySet[Contact]:
    """Return the contacts of an address, in any spelling, on any channel but the inbox."""
    return Contact.objects.filter(spelt(address))


def user_ids_of_email(address: str) -> list[str]:
    """Return the recipients who have this email address and may be sent to there."""
    found = contacts_of_address(address).filter(
        channel=EMAIL, state=ContactState.ACTIVE, recipient__isnull=False
    )
    return list(found.values_list("recipient__user_id", flat=True).distinct())


def preferences(recipient_id: int) -> QuerySet[Preference]:
    """Return the recipient's preferences."""
    return Preference.objects.filter(recipient_id=recipient_id).order_by("id")


def groups(publisher_id: int) -> QuerySet[Group]:
    """Return the publisher's groups."""
    return Group.objects.filter(publisher_id=publisher_id)


def get_group(name: str, publisher_id: int, *, lock: bool = False) -> Group:
    """Return the publisher's group of that name. Raises a 404 ``Problem`` if there is none.

    With ``lock`` nobody else changes or deletes it before the transaction ends.
    """
    rows = groups(publisher_id)
    if lock:
        rows = rows.select_for_update(no_key=True)
    group = rows.filter(name=name).first()
    if group is None:
        raise Problem("not-found", f"You have no group {name!r}. PUT /v1/groups/… creates one.")
    return group


def members(group_id: int) -> QuerySet[Membership]:
    """Return the group's members."""
    rows = Membership.objects.filter(group_id=group_id).select_related("recipient")
    return rows.defer("recipient__name", "recipient__attributes")


def suppression_of(channel: str, address: str) -> QuerySet[Suppression]:
    """Return the suppression of an address, as its channel's ``parse`` returned it, if any.

    For an email address, suppressions of its spellings from before those were folded are included.
    """
    found = Suppression.objects.filter(
        channel=channel, address_index=vault.index_of(channel, address)
    )
    if channel == EMAIL:
        found |= spellings.suppressions(spellings.former(address))
    return found
