"""Suppressions of email addresses from before spellings were folded.

Such a row has the blind index of the one spelling that was suppressed (``Suppression.exact``), and
not the address. When an address is written, the suppressions of its spellings are converted to the
index that every spelling shares.
"""

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime

from django.db import connection
from django.db.models import QuerySet

from apps.preferences import vault
from apps.preferences.channels import EMAIL
from apps.preferences.consent.suppressions import stronger
from apps.preferences.models import Suppression


def former(address: str) -> dict[bytes, bytes]:
    """Map the former indexes of common spellings of the address to its present index."""
    local, _, domain = address.rpartition("@")
    ways = (local, local.lower(), local.capitalize(), local.title(), local.upper())
    index = vault.index_of(EMAIL, address)
    return {vault.keyring().blind_index(EMAIL, f"{way}@{domain}"): index for way in ways}


def suppressions(indexes: Iterable[bytes]) -> QuerySet[Suppression]:
    """Return the unconverted suppressions with one of these indexes."""
    return Suppression.objects.filter(channel=EMAIL, exact=True, address_index__in=list(indexes))


def adopt(addresses: Iterable[str]) -> None:
    """Convert suppressions of a spelling of these addresses to all spellings.

    Runs in the caller's transaction.
    """
    if not Suppression.objects.filter(exact=True).exists():
        return
    indexes = {old: new for address in addresses for old, new in former(address).items()}
    _move(suppressions(indexes), indexes)


def adopt_unmarked(addresses: Iterable[str]) -> list[int]:
    """Convert also suppressions that are not marked ``exact``; return their ids.

    A process of the previous version does not mark the rows that it writes, and only such a process
    writes the index of a spelling other than the folded one.
    """
    indexes = {
        old: new for address in addresses for old, new in former(address).items() if old != new
    }
    found = Suppression.objects.filter(channel=EMAIL, address_index__in=list(indexes))
    return _move(found, indexes)


# A suppression whose index is a contact's is of a folded address.
_MARK = f"""
    UPDATE preferences_suppression s SET exact = TRUE
    WHERE s.channel = '{EMAIL}' AND NOT s.exact AND s.created_at >= %(since)s
        AND s.id <> ALL(%(folded)s::bigint[])
        AND NOT EXISTS (SELECT FROM preferences_contact c
                        WHERE c.channel = '{EMAIL}' AND c.address_index = s.address_index)"""


def mark_exact(since: datetime, folded: Collection[int]) -> int:
    """Mark suppressions made from ``since`` on as of one spelling only; return how many.

    Except those with the ids ``folded``, and those of an address that a contact has.
    """
    with connection.cursor() as cursor:
        cursor.execute(_MARK, {"since": since, "folded": list(folded)})
        marked: int = cursor.rowcount
    return marked


def _move(found: QuerySet[Suppression], indexes: Mapping[bytes, bytes]) -> list[int]:
    """Move each suppression to the index that ``indexes`` maps its own to; return their ids."""
    moved = []
    for row in found.select_for_update().order_by("pk"):
        moved.append(row.pk)
        index = indexes[bytes(row.address_index)]
        others = Suppression.objects.filter(channel=EMAIL, address_index=index).exclude(pk=row.pk)
        if other := others.first():
            other.reason = stronger(other.reason, row.reason)
            other.publisher = None  # no longer one publisher's alone
            other.save(update_fields=["reason", "publisher"])
            row.delete()
        else:
            row.address_index, row.exact = index, False
            row.save(update_fields=["address_index", "exact"])
    return moved
