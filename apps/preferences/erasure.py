"""Erase a person from the directory: addresses, choices, memberships, and the trail of changes.

It has two ends. ``begin`` takes everything that names or reaches the person in one transaction; the
rows of the recipient and of the contacts stay, empty, because deliveries that are being sent refer
to them. ``finish`` deletes these rows once none does.

A suppression stays, with the keyed hash of its address and without what people read of it: nothing
is sent there again, whoever registers the address. So does an opt-out.
"""

from collections.abc import Collection
from typing import Any, NamedTuple

from django.db import connection, transaction

from apps.operators import audit as operators
from apps.preferences.channels import EMAIL, PUSH, SMS
from apps.preferences.contacts.services import ERASED
from apps.preferences.models import Contact, Recipient
from apps.preferences.selectors import ERASING
from apps.preferences.vault import keyring

#: Channels on which an address is a person's. A webhook's URL may be a company's.
PERSONAL = (EMAIL, SMS, PUSH)


class Forgotten(NamedTuple):
    """Ids by which deliveries refer to a person who is being erased, and their phone numbers.

    ``contact_ids``: those of the recipient, and of bare endpoints with the same addresses.
    ``numbers``: masked, by keyed hash.
    """

    recipient_id: int
    contact_ids: list[int]
    numbers: dict[bytes, str]


def mark(user_id: str) -> str:
    """Return what stands for an erased person in the audit trail: a keyed hash.

    Whoever knows the ``user_id`` and has the index key can tell that it is theirs, and nobody else.
    """
    return f"{ERASED}:{keyring().blind_index('erasure', user_id).hex()}"


_LOCK = "SELECT id FROM preferences_recipient WHERE user_id = %s FOR UPDATE"
# Addresses that no other recipient has; those of bare endpoints are the person's then, too.
_ADDRESSES = """
SELECT k.channel, k.address_index, k.masked FROM preferences_contact k
 WHERE k.recipient_id = %(recipient_id)s AND k.address <> ''
   -- What was the person's once may be somebody else's now.
   AND k.disabled_reason NOT IN ('removed', 'moved', 'replaced')
   AND NOT EXISTS (SELECT FROM preferences_contact o
                    WHERE o.channel = k.channel AND o.address_index = k.address_index
                      AND o.recipient_id <> k.recipient_id)
"""
_CONTACTS = """
SELECT id FROM preferences_contact WHERE recipient_id = %(recipient_id)s
 UNION ALL
SELECT b.id FROM preferences_contact b
  JOIN unnest(%(channels)s::text[], %(indexes)s::bytea[]) AS a (channel, address_index)
    ON b.channel = a.channel AND b.address_index = a.address_index
 WHERE b.recipient_id IS NULL AND b.channel = ANY(%(personal)s)
"""
# A keyed hash would still find the address, so it is replaced by a random one.
_EMPTY_CONTACTS = """
UPDATE preferences_contact
   SET address = '', address_index = uuid_send(gen_random_uuid()), masked = '', platform = '',
       app = '', secret = NULL, former_secrets = NULL, former_secrets_until = NULL,
       state = 'disabled', disabled_reason = %(reason)s, disabled_by = '', disabled_error = '',
       disabled_delivery = NULL, disabled_at = NULL, last_active_at = NULL
 WHERE id = ANY(%(contact_ids)s)
"""
_EMPTY_RECIPIENT = """
UPDATE preferences_recipient
   SET user_id = %(erasing)s || gen_random_uuid(), locale = '', time_zone = 'UTC',
       quiet_hours = NULL, name = NULL, attributes = NULL
 WHERE id = %(recipient_id)s AND user_id NOT LIKE %(erasing)s || '%%'
"""
_OWNED = [
    f"DELETE FROM {table} WHERE recipient_id = %(recipient_id)s"
    for table in (
        "preferences_preference",
        "preferences_digestchoice",
        "preferences_frequencycap",
        "preferences_membership",
    )
]
# Their hashes stay: what they say is not sent holds for the address.
_PROTECTING = """
UPDATE preferences_suppression s
   SET masked = '', error = '', delivery_id = NULL,
       other_cause = other_cause || '{"error": "", "delivery_id": null}'
  FROM unnest(%(channels)s::text[], %(indexes)s::bytea[]) AS a (channel, address_index)
 WHERE s.channel = a.channel AND s.address_index = a.address_index
"""
_OPTED_OUT = """
UPDATE preferences_optout o SET masked = ''
  FROM unnest(%(channels)s::text[], %(indexes)s::bytea[]) AS a (channel, address_index)
 WHERE o.channel = a.channel AND o.address_index = a.address_index
"""
_TRAIL = """
UPDATE preferences_directorychange
   SET recipient_id = NULL, address_index = NULL, masked = '', detail = '',
       actor = CASE WHEN actor_kind = 'person' THEN '' ELSE actor END,
       remote_address = CASE WHEN actor_kind <> 'person' THEN remote_address END
 WHERE recipient_id = %(recipient_id)s
"""
_TRAIL_OF_ADDRESSES = """
UPDATE preferences_directorychange c SET masked = '', detail = ''
  FROM unnest(%(channels)s::text[], %(indexes)s::bytea[]) AS a (channel, address_index)
 WHERE c.channel = a.channel AND c.address_index = a.address_index
"""


@transaction.atomic
def begin(user_id: str) -> Forgotten | None:
    """Take a person out of the directory; return what deliveries know of them.

    ``None`` where there is no such recipient. From its commit on nothing is sent to them that no
    worker has yet, and whoever registers the ``user_id`` registers somebody new.
    """
    with connection.cursor() as cursor:
        cursor.execute(_LOCK, [user_id])
        found = cursor.fetchone()
    return None if found is None else _forget(found[0])


@transaction.atomic
def finish(recipient_id: int, contact_ids: Collection[int]) -> None:
    """Delete the rows that ``begin`` emptied; no delivery refers to them any more.

    What requests that had found the person before still wrote goes with them.
    """
    known = _forget(recipient_id).contact_ids
    operators.forget(Recipient, [recipient_id])
    operators.forget(Contact, [*known, *contact_ids])
    Contact.objects.filter(pk__in=contact_ids).delete()
    Recipient.objects.filter(pk=recipient_id).delete()


def _forget(recipient_id: int) -> Forgotten:
    with connection.cursor() as cursor:
        cursor.execute(_ADDRESSES, {"recipient_id": recipient_id})
        addresses = [(channel, bytes(index), masked) for channel, index, masked in cursor]
        parameters: dict[str, Any] = {
            "recipient_id": recipient_id,
            "channels": [channel for channel, _, _ in addresses],
            "indexes": [index for _, index, _ in addresses],
            "personal": list(PERSONAL),
            "erasing": ERASING,
            "reason": ERASED,
        }
        cursor.execute(_CONTACTS, parameters)
        contact_ids = sorted(contact_id for (contact_id,) in cursor.fetchall())
        for statement in (
            _EMPTY_CONTACTS,
            _EMPTY_RECIPIENT,
            *_OWNED,
            _PROTECTING,
            _OPTED_OUT,
            _TRAIL,
            _TRAIL_OF_ADDRESSES,
        ):
            cursor.execute(statement, {**parameters, "contact_ids": contact_ids})
    numbers = {index: masked for channel, index, masked in addresses if channel == SMS}
    return Forgotten(recipient_id, contact_ids, numbers)
