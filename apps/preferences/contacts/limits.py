"""The limit of contacts per recipient and channel, which bounds what goes to one person."""

from collections.abc import Collection, Mapping

from django.conf import settings
from django.db import connection

from apps.api.problems import Problem
from apps.preferences import audit_trail
from apps.preferences.audit_trail import Change, Entry
from apps.preferences.channels import PUSH
from apps.preferences.contacts.replacement import Slot
from apps.preferences.contacts.services import MOVED, OPERATOR, REMOVED, REPLACED


class TooManyContacts(Exception):
    """Recipients would exceed the limit. ``found`` maps ``user_id`` to the channel."""

    def __init__(self, found: Mapping[str, str]) -> None:
        super().__init__(found)
        self.found = found


def enforce(slots: Collection[Slot], people: Mapping[int, str]) -> None:
    """Disable contacts beyond the limit of each slot, in the caller's transaction.

    Contacts that a provider refused go first, then the devices that were inactive for longest: a
    phone with a new token leaves its old one behind. Other addresses are not chosen from: the
    function raises ``TooManyContacts``, and the caller has to roll back. Lock the recipients
    before. ``people`` maps their ids to their ``user_id``.
    """
    if not slots:
        return
    recipients, channels = zip(*slots, strict=True)
    with connection.cursor() as cursor:
        cursor.execute(
            _KEEP_WITHIN, [list(recipients), list(channels), settings.CONTACTS_PER_CHANNEL]
        )
        beyond = cursor.fetchall()
    left = {people[recipient]: channel for recipient, channel, index, _ in beyond if not index}
    if left:
        raise TooManyContacts(left)
    audit_trail.record(
        Entry(Change.CONTACT_REMOVED, recipient, channel, bytes(index), masked, "too many")
        for recipient, channel, index, masked in beyond
    )


# The ones to keep come first.
_KEEP_WITHIN = f"""
WITH ranked AS (
    SELECT c.id, c.recipient_id, c.channel,
           c.disabled_reason <> '{OPERATOR}'
               AND (c.state = 'disabled' OR c.channel = '{PUSH}') AS may_go,
           row_number() OVER (
               PARTITION BY c.recipient_id, c.channel
               ORDER BY c.state = 'active' OR c.disabled_reason = '{OPERATOR}' DESC,
                        greatest(c.last_active_at, c.updated_at) DESC, c.id DESC) AS place
      FROM preferences_contact c
      JOIN (SELECT DISTINCT * FROM unnest(%s::bigint[], %s::text[])
                AS w (recipient_id, channel)) w
        ON w.recipient_id = c.recipient_id AND w.channel = c.channel
     WHERE c.disabled_reason NOT IN ('{REMOVED}', '{MOVED}', '{REPLACED}')
), beyond AS (
    SELECT * FROM ranked WHERE place > %s
), gone AS (
    UPDATE preferences_contact c
       SET state = 'disabled', disabled_reason = '{REPLACED}', updated_at = now()
      FROM beyond b WHERE b.id = c.id AND b.may_go
 RETURNING c.recipient_id, c.channel, c.address_index, c.masked
)
SELECT * FROM gone
 UNION ALL
SELECT DISTINCT recipient_id, channel, NULL::bytea, NULL FROM beyond WHERE NOT may_go
"""


def too_many(user_id: str, channel: str, at: str) -> Problem:
    """Return the problem for contacts beyond the limit; ``at`` is the pointer to what was sent."""
    most = settings.CONTACTS_PER_CHANNEL
    detail = (
        f"{user_id!r} would have more than {most:,} addresses on {channel}, which is the most. "
        "Remove one first (POST /v1/recipients/{user_id}/contacts/remove), or replace all of "
        "them on the channel (contacts of PUT /v1/recipients/{user_id})."
    )
    return Problem(
        "too-many-contacts", detail, errors=[{"pointer": at, "detail": detail}], limit=most
    )
