"""Writes: people, where they are reached, and what they want. Set-based: one call, any number.

Rows are written in the order of their keys, so that two calls about the same people wait for
each other and do not lock each other out.
"""

import secrets
from base64 import b64encode
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from django.db import connection, transaction
from django.dispatch import Signal

from apps.preferences import spellings, vault
from apps.preferences.channels import EMAIL, INBOX, PUSH, WEBHOOK
from apps.preferences.models import (
    Contact,
    ContactState,
    Preference,
    Recipient,
    SuppressionReason,
)
from apps.preferences.vault import Sealed

#: Sent with ``recipient_ids`` in the transaction that writes these people's contacts.
contacts_written = Signal()
#: Why a contact is disabled, where people and not providers said so.
REMOVED = "removed"
MOVED = "moved"
#: Why an address is suppressed that a provider called dead.
DEAD = SuppressionReason.DEAD_ADDRESS
#: Standard Webhooks 1.0.0 wants 24 to 64 random bytes.
WEBHOOK_SECRET_BYTES = 32
#: Advisory locks on device tokens: the first of each lock's two numbers, and how many there are.
#: Tokens share them, since PostgreSQL's table of locks has room for some thousands in all.
TOKEN_LOCK_CLASS = 1
TOKEN_LOCKS = 1024


class Person(NamedTuple):
    """A recipient to be written. ``None`` keeps what is there (or the default)."""

    user_id: str
    locale: str | None = None
    time_zone: str | None = None


class Written(NamedTuple):
    """A recipient that was written."""

    id: int
    created: bool


@dataclass(frozen=True, slots=True)
class Address:
    """A contact to be written: a recipient's, or a publisher's bare endpoint.

    Exactly one of ``recipient_id`` and ``publisher_id`` is set.
    ``address`` is as its channel's ``parse`` returned it. An empty ``secret`` on the webhook
    channel keeps the one there is, or has one made.
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
        """Whose it is, by which it is told from others of the same address."""
        return self.recipient_id, self.publisher_id


class Stored(NamedTuple):
    """A contact that was written. ``secret`` is set if it was given or made just now."""

    id: int
    channel: str
    masked: str
    created: bool
    secret: str


@transaction.atomic
def upsert_recipients(people: Sequence[Person]) -> dict[str, Written]:
    """Write all of them, each named once, with an inbox for each; by ``user_id``."""
    columns = [list(column) for column in zip(*people, strict=True)]
    with connection.cursor() as cursor:
        cursor.execute(_INSERT_RECIPIENTS, columns)
        made = dict(cursor.fetchall())
        if len(made) < len(people) and any(p.locale or p.time_zone for p in people):
            cursor.execute(_UPDATE_RECIPIENTS, columns)
        cursor.execute(
            "SELECT user_id, id FROM preferences_recipient WHERE user_id = ANY(%s)", [columns[0]]
        )
        found = dict(cursor.fetchall())
    upsert_contacts([Address(row, INBOX, user_id) for user_id, row in made.items()])
    return {user_id: Written(row, user_id in made) for user_id, row in found.items()}


_WISHES = """
    FROM unnest(%s::text[], %s::text[], %s::text[]) AS w (user_id, locale, time_zone)"""
_INSERT_RECIPIENTS = f"""
    INSERT INTO preferences_recipient (user_id, locale, time_zone, created_at, updated_at)
    SELECT user_id, coalesce(locale, ''), coalesce(time_zone, 'UTC'), now(), now() {_WISHES}
    ORDER BY user_id
    ON CONFLICT (user_id) DO NOTHING
    RETURNING user_id, id"""
_UPDATE_RECIPIENTS = f"""
    UPDATE preferences_recipient r
    SET locale = coalesce(w.locale, r.locale), time_zone = coalesce(w.time_zone, r.time_zone),
        updated_at = now() {_WISHES}
    WHERE r.user_id = w.user_id
        AND (r.locale, r.time_zone)
            <> (coalesce(w.locale, r.locale), coalesce(w.time_zone, r.time_zone))"""


@transaction.atomic
def upsert_contacts(addresses: Iterable[Address]) -> dict[Address, Stored]:
    """Write all of them and make them active, whatever a provider said of them until now; a
    device's token leaves whoever had it before.

    The former holder's row stays, disabled: what is on its way to them must not reach the new
    holder. Of two calls that register a token at once, the one that comes second has it.
    """
    sealed = {address: vault.seal(address.channel, address.address) for address in addresses}
    owned = {a: s for a, s in sealed.items() if a.recipient_id is not None}
    bare = {a: s for a, s in sealed.items() if a.recipient_id is None}
    # Where a call gives one token to several, the last one has it.
    holders = {s.index: a.recipient_id for a, s in owned.items() if a.channel == PUSH}
    if holders:
        wait_for_tokens(holders)
    if emails := {a.address for a in sealed if a.channel == EMAIL}:
        spellings.adopt(emails)
    stored = {**_write(owned, _ON_OWNED), **_write(bare, _ON_BARE)}
    if people := {a.recipient_id for a in owned if a.channel != INBOX}:
        contacts_written.send(Contact, recipient_ids=people)
    _revive([(a.channel, s.index) for a, s in sealed.items() if a.channel != INBOX])
    if holders:
        with connection.cursor() as cursor:
            cursor.execute(_MOVE_DEVICES, [list(holders.values()), list(holders)])
    return stored


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
        state = 'active', disabled_reason = '', updated_at = now()
    RETURNING recipient_id, publisher_id, channel, address_index, id, xmax = 0, masked,
        secret IS NULL"""
_MOVE_DEVICES = f"""
    UPDATE preferences_contact c
    SET state = 'disabled', disabled_reason = '{MOVED}', updated_at = now()
    FROM unnest(%s::bigint[], %s::bytea[]) AS w (recipient_id, address_index)
    WHERE c.channel = '{PUSH}' AND c.address_index = w.address_index
        AND c.recipient_id <> w.recipient_id AND c.state = 'active'"""


def _revive(addresses: Sequence[tuple[str, bytes]]) -> None:
    """Lift what was suppressed as dead: whoever registers an address says that it lives.

    What people said themselves stays: who complained or opted out is not asked to by this.
    """
    if not addresses:
        return
    with connection.cursor() as cursor:
        cursor.execute(
            """DELETE FROM preferences_suppression WHERE id IN (
                SELECT s.id FROM preferences_suppression s
                JOIN unnest(%s::text[], %s::bytea[]) AS w (channel, address_index)
                    ON s.channel = w.channel AND s.address_index = w.address_index
                WHERE s.reason = %s ORDER BY s.id FOR UPDATE OF s)""",
            [*(list(column) for column in zip(*addresses, strict=True)), DEAD],
        )


def wait_for_tokens(indexes: Iterable[bytes]) -> None:
    """Let one transaction at a time write these tokens: rows of other people that are not
    committed yet cannot be seen, and so not disabled."""
    locks = sorted({int.from_bytes(index[:2]) % TOKEN_LOCKS for index in indexes})
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_advisory_xact_lock(%s, lock) FROM unnest(%s::int[]) AS lock",
            [TOKEN_LOCK_CLASS, locks],
        )


def _write(sealed: dict[Address, Sealed], conflict: str) -> dict[Address, Stored]:
    """One INSERT for all of them, and a secret for every webhook that has none.

    Of two spellings of one address the last is the one that is sent to.
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
            _UPSERT_CONTACTS.format(conflict=conflict),
            [list(column) for column in zip(*rows.values(), strict=True)],
        )
        found = {
            ((recipient, publisher), channel, bytes(index)): (*rest, bytes(index))
            for recipient, publisher, channel, index, *rest in cursor.fetchall()
        }
    stored = {}
    made: dict[int, tuple[str, bytes]] = {}
    for a, s in sealed.items():
        row, created, masked, unsigned, index = found[a.owner, a.channel, s.index]
        secret = a.secret
        if a.channel == WEBHOOK and unsigned:
            secret = made.setdefault(row, (new_webhook_secret(), index))[0]
        stored[a] = Stored(row, a.channel, masked, created, secret)
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
    """A signing secret as Standard Webhooks 1.0.0 writes it."""
    return "whsec_" + b64encode(secrets.token_bytes(WEBHOOK_SECRET_BYTES)).decode()


def remove_contact(contact: Contact) -> None:
    """Nothing is sent there any more. The row stays: deliveries may name it."""
    contact.state = ContactState.DISABLED
    contact.disabled_reason = REMOVED
    contact.save(update_fields=["state", "disabled_reason", "updated_at"])


def enable_contact(contact: Contact) -> None:
    """It may be sent to again, whatever disabled it."""
    contact.state = ContactState.ACTIVE
    contact.disabled_reason = ""
    contact.save(update_fields=["state", "disabled_reason", "updated_at"])
    if contact.recipient_id is not None:
        contacts_written.send(Contact, recipient_ids={contact.recipient_id})


class Wish(NamedTuple):
    """What a recipient wants or refused; ``allowed`` ``None`` takes a wish back."""

    recipient_id: int
    channel: str
    topic_id: int | None
    category: str
    allowed: bool | None


@transaction.atomic
def merge_preferences(wishes: Iterable[Wish]) -> None:
    """Write these, of which the last word on the same thing counts, and leave the others."""
    last = {wish[:4]: wish for wish in wishes}.values()
    ordered = sorted(last, key=lambda wish: (wish.recipient_id, wish.topic_id or 0, *wish[1:4:2]))
    kept = [wish for wish in ordered if wish.allowed is not None]
    _upsert_wishes([w for w in kept if w.topic_id is not None], "topic_id) WHERE topic_id IS NOT")
    _upsert_wishes([w for w in kept if w.topic_id is None], "category) WHERE topic_id IS")
    dropped = [wish[:4] for wish in ordered if wish.allowed is None]
    if dropped:
        with connection.cursor() as cursor:
            cursor.execute(
                """DELETE FROM preferences_preference p
                USING unnest(%s::bigint[], %s::text[], %s::bigint[], %s::text[])
                    AS w (recipient_id, channel, topic_id, category)
                WHERE p.recipient_id = w.recipient_id AND p.channel = w.channel
                    AND p.topic_id IS NOT DISTINCT FROM w.topic_id AND p.category = w.category""",
                [list(column) for column in zip(*dropped, strict=True)],
            )


def _upsert_wishes(wishes: Sequence[Wish], conflict: str) -> None:
    if not wishes:
        return
    with connection.cursor() as cursor:
        cursor.execute(
            f"""INSERT INTO preferences_preference
                (recipient_id, channel, topic_id, category, allowed, updated_at)
            SELECT w.*, now()
            FROM unnest(%s::bigint[], %s::text[], %s::bigint[], %s::text[], %s::boolean[]) AS w
            ON CONFLICT (recipient_id, channel, {conflict} NULL
            DO UPDATE SET allowed = excluded.allowed, updated_at = now()""",
            [list(column) for column in zip(*wishes, strict=True)],
        )


def hold_preferences(recipient_id: int) -> None:
    """Let one transaction at a time look at the recipient's preferences and then write them."""
    Recipient.objects.select_for_update(no_key=True).get(pk=recipient_id)


@transaction.atomic
def replace_preferences(recipient_id: int, hidden: Sequence[int], wishes: Sequence[Wish]) -> None:
    """Make these the recipient's only wishes, apart from those for the topics ``hidden``."""
    Preference.objects.filter(recipient_id=recipient_id).exclude(topic_id__in=hidden).delete()
    merge_preferences(wishes)


class Blocked(NamedTuple):
    """An address that must not be sent to from now on. ``masked``: as people may see it.

    ``provider``, ``error`` and ``delivery_id``: what said so, and of which delivery.
    """

    channel: str
    address_index: bytes
    masked: str
    reason: str
    provider: str = ""
    error: str = ""
    delivery_id: int | None = None


class Suppressed(NamedTuple):
    """How many addresses were not suppressed before, and how many only as dead."""

    new: int
    dead: int


def suppress(addresses: Iterable[Blocked]) -> Suppressed:
    """Suppress all of them, from the next claim of a chunk on.

    An address that is suppressed keeps its first reason; but that it is dead, which ends when it
    is registered again, gives way to any other.
    """
    dead_first = sorted(addresses, key=lambda a: a.reason != DEAD)
    once = {(a.channel, a.address_index): a for a in dead_first}
    if not once:
        return Suppressed(0, 0)
    with connection.cursor() as cursor:
        cursor.execute(
            """INSERT INTO preferences_suppression AS s
                (channel, address_index, masked, reason, provider, error, delivery_id, created_at)
            SELECT w.*, now()
            FROM unnest(%s::text[], %s::bytea[], %s::text[], %s::text[], %s::text[], %s::text[],
                %s::bigint[]) AS w
            ON CONFLICT (channel, address_index) DO UPDATE SET reason = excluded.reason,
                provider = excluded.provider, error = excluded.error,
                delivery_id = excluded.delivery_id
                WHERE s.reason = %s AND excluded.reason <> s.reason
            RETURNING xmax = 0""",
            [*map(list, zip(*(once[key] for key in sorted(once)), strict=True)), DEAD],
        )
        new = [new for (new,) in cursor.fetchall()]
    return Suppressed(new.count(True), new.count(False))
