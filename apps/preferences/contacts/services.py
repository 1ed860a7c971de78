"""Write recipients and contacts, any number in one call.

Rows are written in the order of their keys, so that concurrent calls about the same people wait for
each other and do not deadlock.
"""

import secrets
from base64 import b64encode
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from django.db import connection, transaction
from django.dispatch import Signal

from apps.preferences import audit_trail, vault
from apps.preferences.audit_trail import Change, Entry
from apps.preferences.channels import EMAIL, INBOX, PUSH, WEBHOOK
from apps.preferences.consent import spellings, suppressions
from apps.preferences.contacts import signing_secrets
from apps.preferences.models import Contact, ContactState, Recipient
from apps.preferences.quiet_hours.services import quiet_hours_changed
from apps.preferences.vault import Sealed

#: Sent with ``recipient_ids`` in the transaction that writes these people's contacts.
contacts_written = Signal()
#: Reasons for a disabled contact that come from people and not from providers.
REMOVED = "removed"
MOVED = "moved"
OPERATOR = "operator"
REPLACED = "replaced"
#: The reason while their recipient is being erased: the row goes once no delivery needs it.
ERASED = "erased"
#: Standard Webhooks 1.0.0 requires 24 to 64 random bytes.
WEBHOOK_SECRET_BYTES = 32
#: Advisory locks on device tokens: the first of each lock's two keys, and their number. Tokens
#: share locks, since PostgreSQL's lock table has space for some thousands in all.
TOKEN_LOCK_CLASS = 1
TOKEN_LOCKS = 1024


class Person(NamedTuple):
    """A recipient to write. ``None`` keeps the present value, or the default.

    ``name`` and ``attributes`` are encrypted (``apps.preferences.profiles``); empty ones remove it.
    """

    user_id: str
    locale: str | None = None
    time_zone: str | None = None
    name: bytes | None = None
    attributes: bytes | None = None


class Written(NamedTuple):
    """A written recipient."""

    id: int
    created: bool


@dataclass(frozen=True, slots=True)
class Address:
    """A contact to write: a recipient's, or a publisher's bare endpoint.

    Exactly one of ``recipient_id`` and ``publisher_id`` is set. ``address`` is as its channel's
    ``parse`` returned it. An empty ``secret`` on the webhook channel keeps the present one, or
    generates one.
    """

    recipient_id: int | None
    channel: str
    address: str
    platform: str = ""
    app: str = ""
    secret: str = ""
    last_active_at: datetime | None = None
    publisher_id: int | None = None

    @property
    def owner(self) -> tuple[int | None, int | None]:
        """The owner, which distinguishes contacts of the same address."""
        return self.recipient_id, self.publisher_id


class Stored(NamedTuple):
    """A written contact.

    ``secret`` is set if it was given or generated in this call; ``enabled`` is whether the contact
    had been disabled before.
    """

    id: int
    channel: str
    masked: str
    created: bool
    secret: str
    enabled: bool = False


@transaction.atomic
def upsert_recipients(people: Sequence[Person]) -> dict[str, Written]:
    """Write recipients, each named once, with an inbox for each new one; return them by id.

    What waits for the quiet hours of those whose zone changes is judged anew.
    """
    columns = [list(column) for column in zip(*people, strict=True)]
    with connection.cursor() as cursor:
        cursor.execute(_INSERT_RECIPIENTS, columns)
        made = dict(cursor.fetchall())
        moved: list[int] = []
        if len(made) < len(people) and any(
            value is not None for person in people for value in person[1:]
        ):
            cursor.execute(_UPDATE_RECIPIENTS, columns)
            moved = [row for row, has_moved in cursor.fetchall() if has_moved]
        cursor.execute(
            "SELECT user_id, id FROM preferences_recipient WHERE user_id = ANY(%s)", [columns[0]]
        )
        found = dict(cursor.fetchall())
    upsert_contacts([Address(row, INBOX, user_id) for user_id, row in made.items()])
    if moved:
        quiet_hours_changed.send(Recipient, recipient_ids=moved)
    return {user_id: Written(row, user_id in made) for user_id, row in found.items()}


_PEOPLE = """
    FROM unnest(%s::text[], %s::text[], %s::text[], %s::bytea[], %s::bytea[])
        AS w (user_id, locale, time_zone, name, attributes)"""
_INSERT_RECIPIENTS = f"""
    INSERT INTO preferences_recipient
        (user_id, locale, time_zone, name, attributes, created_at, updated_at)
    SELECT user_id, coalesce(locale, ''), coalesce(time_zone, 'UTC'), nullif(name, ''),
        nullif(attributes, ''), now(), now() {_PEOPLE}
    ORDER BY user_id
    ON CONFLICT (user_id) DO NOTHING
    RETURNING user_id, id"""
_UPDATE_RECIPIENTS = f"""
    UPDATE preferences_recipient r
    SET locale = coalesce(w.locale, r.locale), time_zone = coalesce(w.time_zone, r.time_zone),
        name = nullif(coalesce(w.name, r.name), ''),
        attributes = nullif(coalesce(w.attributes, r.attributes), ''),
        updated_at = now() {_PEOPLE}
    JOIN preferences_recipient b USING (user_id)
    WHERE r.user_id = w.user_id
        AND ((r.locale, r.time_zone)
            <> (coalesce(w.locale, r.locale), coalesce(w.time_zone, r.time_zone))
            OR w.name IS NOT NULL OR w.attributes IS NOT NULL)
    RETURNING r.id, r.time_zone <> b.time_zone"""


def lock_recipients(recipient_ids: Collection[int]) -> None:
    """Let one transaction at a time read what these recipients have and then write it.

    Call it before writing any of their contacts: all transactions lock in this order, so that they
    do not deadlock.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT id FROM preferences_recipient WHERE id = ANY(%s) ORDER BY id FOR NO KEY UPDATE",
            [list(recipient_ids)],
        )


@transaction.atomic
def upsert_contacts(addresses: Iterable[Address]) -> dict[Address, Stored]:
    """Write contacts and make them active, except those that an operator disabled.

    What a provider reported about them before is forgotten. A device's token moves to its new
    holder; the former holder's row stays, disabled, so that deliveries on their way do not reach
    the new holder. Of two concurrent calls that register a token, the second one gets it.
    """
    sealed = {address: vault.seal(address.channel, address.address) for address in addresses}
    owned = {a: s for a, s in sealed.items() if a.recipient_id is not None}
    bare = {a: s for a, s in sealed.items() if a.recipient_id is None}
    # If a call gives one token to several recipients, the last one gets it.
    holders = {s.index: a.recipient_id for a, s in owned.items() if a.channel == PUSH}
    if holders:
        lock_tokens(holders)
    if emails := {a.address for a in sealed if a.channel == EMAIL}:
        spellings.adopt(emails)
    signing_secrets.exchange(
        {(*a.owner, a.channel, s.index): a.secret for a, s in sealed.items() if a.secret}
    )
    stored = {**_write(owned, _ON_OWNED), **_write(bare, _ON_BARE)}
    _record_written({a: (s, stored[a]) for a, s in owned.items() if a.channel != INBOX})
    if people := {a.recipient_id for a in owned if a.channel != INBOX}:
        contacts_written.send(Contact, recipient_ids=people)
    suppressions.lift_dead([(a.channel, s.index) for a, s in sealed.items() if a.channel != INBOX])
    if holders:
        with connection.cursor() as cursor:
            cursor.execute(_MOVE_DEVICES, [list(holders.values()), list(holders)])
            moved = cursor.fetchall()
        audit_trail.record(
            Entry(Change.CONTACT_MOVED, recipient, PUSH, bytes(index), masked, "to another person")
            for recipient, index, masked in moved
        )
    return stored


def _record_written(written: dict[Address, tuple[Sealed, Stored]]) -> None:
    once = {stored.id: (address, sealed) for address, (sealed, stored) in written.items()}
    new = {stored.id: stored for _, stored in written.values() if stored.created or stored.enabled}
    audit_trail.record(
        Entry(
            Change.CONTACT_ADDED if stored.created else Change.CONTACT_ENABLED,
            once[key][0].recipient_id,
            stored.channel,
            once[key][1].index,
            stored.masked,
        )
        for key, stored in new.items()
    )


_ON_OWNED = "(recipient_id, channel, address_index) WHERE recipient_id IS NOT NULL"
_ON_BARE = "(publisher_id, channel, address_index) WHERE recipient_id IS NULL"
_UPSERT_CONTACTS = """
    INSERT INTO preferences_contact AS c (recipient_id, publisher_id, channel, address,
        address_index, masked, platform, app, secret, last_active_at, state, disabled_reason,
        created_at, updated_at)
    SELECT w.*, 'active', '', now(), now()
    FROM unnest(%s::bigint[], %s::bigint[], %s::text[], %s::bytea[], %s::bytea[], %s::text[],
        %s::text[], %s::text[], %s::bytea[], %s::timestamptz[])
        AS w (recipient_id, publisher_id, channel, address, address_index, masked, platform, app,
            secret, last_active_at)
    ORDER BY w.recipient_id, w.publisher_id, w.channel, w.address_index
    ON CONFLICT {conflict} DO UPDATE SET
        address = excluded.address, masked = excluded.masked,
        platform = CASE excluded.platform WHEN '' THEN c.platform ELSE excluded.platform END,
        app = CASE excluded.app WHEN '' THEN c.app ELSE excluded.app END,
        secret = coalesce(excluded.secret, c.secret),
        last_active_at = coalesce(excluded.last_active_at, c.last_active_at),
        state = CASE c.disabled_reason WHEN '{operator}' THEN c.state ELSE 'active' END,
        disabled_reason = CASE c.disabled_reason WHEN '{operator}' THEN '{operator}' ELSE '' END,
        disabled_by = '', disabled_error = '', disabled_delivery = NULL, disabled_at = NULL,
        updated_at = now()
    RETURNING recipient_id, publisher_id, channel, address_index, id, xmax = 0, masked,
        secret IS NULL,
        -- as the statement found it
        state = 'active' AND 'disabled' = (SELECT o.state FROM preferences_contact o
                                            WHERE o.id = c.id)"""
_MOVE_DEVICES = f"""
    UPDATE preferences_contact c
    SET state = 'disabled', disabled_reason = '{MOVED}', updated_at = now()
    FROM unnest(%s::bigint[], %s::bytea[]) AS w (recipient_id, address_index)
    WHERE c.channel = '{PUSH}' AND c.address_index = w.address_index
        AND c.recipient_id <> w.recipient_id AND c.state = 'active'
    RETURNING c.recipient_id, c.address_index, c.masked"""


def lock_tokens(indexes: Iterable[bytes]) -> None:
    """Let one transaction at a time write these device tokens, given by blind index.

    Another recipient's uncommitted row with the same token could not be seen, and so not disabled.
    """
    locks = sorted({int.from_bytes(index[:2]) % TOKEN_LOCKS for index in indexes})
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_advisory_xact_lock(%s, lock) FROM unnest(%s::int[]) AS lock",
            [TOKEN_LOCK_CLASS, locks],
        )


def _write(sealed: dict[Address, Sealed], conflict: str) -> dict[Address, Stored]:
    """Write contacts with one INSERT, and generate a secret for every webhook that has none.

    Of two spellings of one address, the last one is stored.
    """
    if not sealed:
        return {}
    rows = {
        (a.owner, a.channel, s.index): (
            *a.owner,
            a.channel,
            s.ciphertext,
            s.index,
            s.masked[:100],
            a.platform,
            a.app,
            vault.seal_secret(a.secret, s.index) if a.secret else None,
            a.last_active_at,
        )
        for a, s in sealed.items()
    }
    with connection.cursor() as cursor:
        cursor.execute(
            _UPSERT_CONTACTS.format(conflict=conflict, operator=OPERATOR),
            [list(column) for column in zip(*rows.values(), strict=True)],
        )
        found = {
            ((recipient, publisher), channel, bytes(index)): (*rest, bytes(index))
            for recipient, publisher, channel, index, *rest in cursor.fetchall()
        }
    stored = {}
    made: dict[int, tuple[str, bytes]] = {}
    for a, s in sealed.items():
        row, created, masked, unsigned, enabled, index = found[a.owner, a.channel, s.index]
        secret = a.secret
        if a.channel == WEBHOOK and unsigned:
            secret = made.setdefault(row, (new_webhook_secret(), index))[0]
        stored[a] = Stored(row, a.channel, masked, created, secret, bool(enabled))
    if made:
        _sign(made)
    return stored


def _sign(made: dict[int, tuple[str, bytes]]) -> None:
    sealed = [vault.seal_secret(secret, index) for secret, index in made.values()]
    with connection.cursor() as cursor:
        cursor.execute(
            """UPDATE preferences_contact c SET secret = w.secret
            FROM unnest(%s::bigint[], %s::bytea[]) AS w (id, secret) WHERE c.id = w.id""",
            [list(made), sealed],
        )


def new_webhook_secret() -> str:
    """Generate a signing secret in the format of Standard Webhooks 1.0.0."""
    return "whsec_" + b64encode(secrets.token_bytes(WEBHOOK_SECRET_BYTES)).decode()


def remove_contact(contact: Contact) -> None:
    """Disable a contact as removed. The row stays, since deliveries may refer to it.

    A contact that an operator disabled stays as it is: otherwise removing and adding it again would
    enable it.
    """
    if contact.disabled_reason != OPERATOR:
        _disable(contact, REMOVED, Change.CONTACT_REMOVED)


def disable_contact(contact: Contact) -> None:
    """Disable a contact until an operator enables it, even if it is registered again."""
    _disable(contact, OPERATOR, Change.CONTACT_DISABLED)


def _disable(contact: Contact, reason: str, change: Change) -> None:
    contact.state = ContactState.DISABLED
    contact.disabled_reason = reason
    contact.save(update_fields=["state", "disabled_reason", "updated_at"])
    _record_contact(contact, change, reason)


def _record_contact(contact: Contact, change: Change, detail: str = "") -> None:
    if contact.recipient_id is not None:
        index = bytes(contact.address_index)
        entry = Entry(change, contact.recipient_id, contact.channel, index, contact.masked, detail)
        audit_trail.record([entry])


def enable_contact(contact: Contact) -> None:
    """Enable a contact, whatever disabled it."""
    before = contact.disabled_reason
    contact.state = ContactState.ACTIVE
    contact.disabled_reason = ""
    contact.save(update_fields=["state", "disabled_reason", "updated_at"])
    _record_contact(contact, Change.CONTACT_ENABLED, f"was disabled: {before}" if before else "")
    if contact.recipient_id is not None:
        contacts_written.send(Contact, recipient_ids={contact.recipient_id})
