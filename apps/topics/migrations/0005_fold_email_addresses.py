"""Email addresses are found whatever the case they are written in.

Their blind index was that of one spelling. Contacts get that of the address in small letters; of
two spellings that one owner had, one remains active, with the subscriptions of both. Suppressions
have no address but an index: those of a contact's spelling, or of one that people use, move over.
The others are found by their one spelling until the address is seen (``Suppression.exact``).

A batch is a transaction, and what is done is not done again: interrupted, it is run once more.
"""

import os
from collections import Counter
from typing import Any

from django.conf import settings
from django.db import connection, migrations, transaction

from notifier.security.crypto import DecryptionError, Keyring

BATCH = 2_000


def fold(apps: Any, schema_editor: Any) -> None:
    """Give every email contact the index of its address in small letters."""
    contacts = apps.get_model("preferences", "Contact").objects
    if not contacts.filter(channel="email").exists() and not _suppressions(apps).exists():
        return
    ring = Keyring.parse(settings.ENCRYPTION_KEYS, settings.BLIND_INDEX_KEY)
    _suppressions(apps).update(exact=True)
    last = 0
    while True:
        with transaction.atomic():
            rows = list(
                contacts.select_for_update()
                .filter(channel="email", pk__gt=last)
                .order_by("pk")[:BATCH]
            )
            if not rows:
                return
            last = rows[-1].pk
            formers: dict[bytes, bytes] = {}
            moving: list[tuple[Any, str, bytes]] = []
            for row in rows:
                old = bytes(row.address_index)
                try:
                    address = ring.decrypt(bytes(row.address), b"contact:" + old).decode()
                except DecryptionError:  # its key is gone: it stays as it is
                    continue
                index = ring.blind_index("email", address.lower())
                formers |= {ring.blind_index("email", s): index for s in _spellings(address)}
                if index != old:
                    moving.append((row, address, index))
            _move(contacts, ring, moving)
            if _suppressions(apps).filter(exact=True).exists():
                _move_suppressions(apps, formers)


def _suppressions(apps: Any) -> Any:
    return apps.get_model("preferences", "Suppression").objects.filter(channel="email")


def _spellings(address: str) -> set[str]:
    local, _, domain = address.rpartition("@")
    ways = (local, local.lower(), local.capitalize(), local.title(), local.upper())
    return {f"{way}@{domain}" for way in ways}


def _move(contacts: Any, ring: Keyring, moving: list[tuple[Any, str, bytes]]) -> None:
    """Have each contact found by the index beside it: all at once, and those one by one whose
    owner has two spellings."""
    twins = Counter(
        (recipient, publisher, bytes(index))
        for recipient, publisher, index in contacts.filter(
            channel="email", address_index__in=[index for _, _, index in moving]
        ).values_list("recipient_id", "publisher_id", "address_index")
    )
    twins.update((row.recipient_id, row.publisher_id, index) for row, _, index in moving)
    alone = []
    for row, address, index in moving:
        if twins[row.recipient_id, row.publisher_id, index] == 1:
            alone.append((row.pk, index, ring.encrypt(address.encode(), b"contact:" + index)))
        else:
            _merge(contacts, ring, row, address, index)
    if alone:
        with connection.cursor() as cursor:
            cursor.execute(_MOVE, [list(column) for column in zip(*alone, strict=True)])


_MOVE = """
    UPDATE preferences_contact c SET address_index = w.address_index, address = w.address
      FROM unnest(%s::bigint[], %s::bytea[], %s::bytea[]) AS w (id, address_index, address)
     WHERE c.id = w.id"""


def _merge(contacts: Any, ring: Keyring, row: Any, address: str, index: bytes) -> None:
    """Have the contact found by ``index``; where its owner has one that is, one of the two."""
    twin = contacts.filter(
        channel="email",
        recipient_id=row.recipient_id,
        publisher_id=row.publisher_id,
        address_index=index,
    ).first()
    if twin is not None and (twin.state == "active" or row.state != "active"):
        _retire(row, twin)
        return
    if twin is not None:
        old = ring.decrypt(bytes(twin.address), b"contact:" + index)
        twin.address_index = os.urandom(16)  # nobody looks for it any more
        twin.address = ring.encrypt(old, b"contact:" + twin.address_index)
        _retire(twin, row)
    row.address_index = index
    row.address = ring.encrypt(address.encode(), b"contact:" + index)
    row.save(update_fields=["address_index", "address"])


def _retire(row: Any, kept: Any) -> None:
    """Disable a contact, and give what was subscribed and confirmed there to ``kept``."""
    row.state, row.disabled_reason = "disabled", "removed"
    row.save(update_fields=["state", "disabled_reason", "address_index", "address"])
    with connection.cursor() as cursor:
        for statement in _TO_THE_OTHER:
            cursor.execute(statement, {"gone": row.pk, "kept": kept.pk})


_TO_THE_OTHER = (
    """UPDATE topics_subscription s SET contact_id = %(kept)s
        WHERE s.contact_id = %(gone)s
          AND NOT EXISTS (SELECT FROM topics_subscription o
                           WHERE o.contact_id = %(kept)s AND o.topic_id = s.topic_id)""",
    """UPDATE topics_subscription SET state = 'unsubscribed', confirm_at = NULL
        WHERE contact_id = %(gone)s""",
    """UPDATE topics_confirmation o SET confirmed_at = c.confirmed_at
         FROM topics_confirmation c
        WHERE c.contact_id = %(gone)s AND o.contact_id = %(kept)s
          AND o.subscription_id = c.subscription_id AND o.confirmed_at IS NULL""",
    """UPDATE topics_confirmation c SET contact_id = %(kept)s
        WHERE c.contact_id = %(gone)s
          AND NOT EXISTS (SELECT FROM topics_confirmation o
                           WHERE o.contact_id = %(kept)s
                             AND o.subscription_id = c.subscription_id)""",
)


def _move_suppressions(apps: Any, formers: dict[bytes, bytes]) -> None:
    found = _suppressions(apps).select_for_update().filter(exact=True)
    for row in found.filter(address_index__in=list(formers)).order_by("pk"):
        index = formers[bytes(row.address_index)]
        other = _suppressions(apps).filter(address_index=index).exclude(pk=row.pk).first()
        if other is None:
            row.address_index, row.exact = index, False
            row.save(update_fields=["address_index", "exact"])
            continue
        if other.reason == "dead_address":  # it ends when the address is registered again
            other.reason = row.reason
            other.save(update_fields=["reason"])
        row.delete()


class Migration(migrations.Migration):
    atomic = False
    dependencies = [
        ("topics", "0004_confirmation_of_each_contact"),
        ("preferences", "0004_suppression_exact"),
    ]
    operations = [migrations.RunPython(fold, migrations.RunPython.noop)]
