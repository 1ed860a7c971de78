"""Suppressions of email addresses from before their spelling was folded.

They have no address but the blind index of the one spelling that was suppressed
(``Suppression.exact``). When an address is written, those of its spellings are made suppressions of
the address however spelled.
"""

from collections.abc import Iterable, Mapping

from django.db.models import QuerySet

from apps.preferences import vault
from apps.preferences.channels import EMAIL
from apps.preferences.consent.suppressions import stronger
from apps.preferences.models import Suppression


def former(address: str) -> dict[bytes, bytes]:
    """The indexes that spellings of the address had, as people write names, and which it has."""
    local, _, domain = address.rpartition("@")
    ways = (local, local.lower(), local.capitalize(), local.title(), local.upper())
    index = vault.index_of(EMAIL, address)
    return {vault.keyring().blind_index(EMAIL, f"{way}@{domain}"): index for way in ways}


def suppressions(indexes: Iterable[bytes]) -> QuerySet[Suppression]:
    """Those of email addresses that are found by one of these spellings only."""
    return Suppression.objects.filter(channel=EMAIL, exact=True, address_index__in=list(indexes))


def adopt(addresses: Iterable[str]) -> None:
    """Have what was suppressed in a spelling of these addresses suppressed in every spelling.

    Runs in the caller's transaction.
    """
    if not Suppression.objects.filter(exact=True).exists():
        return
    indexes = {old: new for address in addresses for old, new in former(address).items()}
    _move(suppressions(indexes), indexes)


def adopt_unmarked(addresses: Iterable[str]) -> list[int]:
    """``adopt`` also what is not marked; the suppressions' ids.

    A process of the version before does not mark what it writes, and no other writes the index of
    a spelling that is not the folded one.
    """
    indexes = {
        old: new for address in addresses for old, new in former(address).items() if old != new
    }
    found = Suppression.objects.filter(channel=EMAIL, address_index__in=list(indexes))
    return _move(found, indexes)


def _move(found: QuerySet[Suppression], indexes: Mapping[bytes, bytes]) -> list[int]:
    """Have each of these found by the index that its index leads to; their ids."""
    moved = []
    for row in found.select_for_update().order_by("pk"):
        moved.append(row.pk)
        index = indexes[bytes(row.address_index)]
        others = Suppression.objects.filter(channel=EMAIL, address_index=index).exclude(pk=row.pk)
        if other := others.first():
            other.reason = stronger(other.reason, row.reason)
            other.publisher = None  # it is not one publisher's alone any more
            other.save(update_fields=["reason", "publisher"])
            row.delete()
        else:
            row.address_index, row.exact = index, False
            row.save(update_fields=["address_index", "exact"])
    return moved
