"""Replace all of a recipient's contacts on a channel."""

from collections.abc import Collection, Mapping
from typing import NamedTuple

from django.db import connection

from apps.preferences import audit_trail
from apps.preferences.audit_trail import Change, Entry
from apps.preferences.contacts.services import MOVED, OPERATOR, REMOVED, REPLACED


class Slot(NamedTuple):
    """A recipient's contacts on one channel."""

    recipient_id: int
    channel: str


def keep_only(kept: Mapping[Slot, Collection[int]]) -> int:
    """Disable every contact of each slot except those with the ids given; return how many.

    Lock the recipients before: of two concurrent calls each would leave the other's contact, which
    it cannot see yet. Contacts that a provider refused are included; those that an operator
    disabled stay as they are. Rows stay, since deliveries may refer to them.
    """
    if not kept:
        return 0
    slots = sorted(kept)
    ids = [key for slot in slots for key in kept[slot]]
    with connection.cursor() as cursor:
        recipients, channels = zip(*slots, strict=True)
        cursor.execute(_KEEP_ONLY, [list(recipients), list(channels), ids])
        gone = cursor.fetchall()
    audit_trail.record(
        Entry(Change.CONTACT_REMOVED, recipient, channel, bytes(index), masked, REPLACED)
        for recipient, channel, index, masked in gone
    )
    return len(gone)


_KEEP_ONLY = f"""
    UPDATE preferences_contact c
       SET state = 'disabled', disabled_reason = '{REPLACED}', updated_at = now()
      FROM unnest(%s::bigint[], %s::text[]) AS w (recipient_id, channel)
     WHERE c.recipient_id = w.recipient_id AND c.channel = w.channel
       AND c.id <> ALL(%s::bigint[])
       AND c.disabled_reason NOT IN ('{REMOVED}', '{MOVED}', '{REPLACED}', '{OPERATOR}')
 RETURNING c.recipient_id, c.channel, c.address_index, c.masked"""
