"""Writes: addresses that must not be sent to, by anybody. Set-based: one call, any number."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from django.db import connection

from apps.preferences import audit_trail
from apps.preferences.audit_trail import Change, Entry
from apps.preferences.models import Suppression, SuppressionReason
from apps.publishers.audit import PROVIDER, Actor

#: Why an address is suppressed that a provider called dead.
DEAD = SuppressionReason.DEAD_ADDRESS


class Blocked(NamedTuple):
    """An address that must not be sent to from now on. ``masked``: as people may see it.

    ``provider``, ``error`` and ``delivery_id``: what said so, and of which delivery, where a
    provider did; ``publisher_id``: whose it is, where a publisher put it there by hand.
    """

    channel: str
    address_index: bytes
    masked: str
    reason: str
    provider: str = ""
    error: str = ""
    delivery_id: int | None = None
    publisher_id: int | None = None


class Suppressed(NamedTuple):
    """How many addresses were not suppressed before, and how many only for a weaker reason."""

    new: int
    stronger: int


#: Reasons, the strongest first. A token may be registered again and what a publisher put there by
#: hand it may lift, which must not bring back what an address's owner said.
STRENGTH = (
    SuppressionReason.COMPLAINT,
    SuppressionReason.OPTED_OUT,
    SuppressionReason.HARD_BOUNCE,
    SuppressionReason.MANUAL,
    SuppressionReason.DEAD_ADDRESS,
)


def stronger(one: str, other: str) -> str:
    """The reason of two that stays."""
    return min(one, other, key=STRENGTH.index)


def suppress(addresses: Iterable[Blocked]) -> Suppressed:
    """Suppress all of them, from the next claim of a chunk on.

    An address that is suppressed keeps its reason but for a stronger one. It is no publisher's own
    any more once a second one, or anything else, has put it there.
    """
    weakest_first = sorted(addresses, key=lambda a: -STRENGTH.index(a.reason))
    once = {(a.channel, a.address_index): a for a in weakest_first}
    if not once:
        return Suppressed(0, 0)
    columns = zip(*(once[key] for key in sorted(once)), strict=True)
    with connection.cursor() as cursor:
        cursor.execute(_SUPPRESS, [list(column) for column in columns])
        found = [row for row in cursor.fetchall() if row[0] != row[1]]
    for provider in sorted({blocked.provider for blocked in once.values()}):
        audit_trail.record(
            (
                Entry(Change.SUPPRESSED, None, channel, bytes(index), shown, reason)
                for _, reason, channel, index, shown in found
                if once[channel, bytes(index)].provider == provider
            ),
            Actor(PROVIDER, provider) if provider else None,
        )
    new = sum(before is None for before, *_ in found)
    return Suppressed(new, len(found) - new)


_RANK = f"coalesce(array_position(ARRAY{[str(reason) for reason in STRENGTH]}, {{}}.reason), 99)"
_STRONGER = f"{_RANK.format('excluded')} < {_RANK.format('s')}"
_SUPPRESS = f"""
    INSERT INTO preferences_suppression AS s
        (channel, address_index, masked, reason, provider, error, delivery_id, publisher_id,
        created_at)
    SELECT w.*, now()
    FROM unnest(%s::text[], %s::bytea[], %s::text[], %s::text[], %s::text[], %s::text[],
        %s::bigint[], %s::bigint[])
        AS w (channel, address_index, masked, reason, provider, error, delivery_id, publisher_id)
    ON CONFLICT (channel, address_index) DO UPDATE SET publisher_id = NULL,
        reason = CASE WHEN {_STRONGER} THEN excluded.reason ELSE s.reason END,
        provider = CASE WHEN {_STRONGER} THEN excluded.provider ELSE s.provider END,
        error = CASE WHEN {_STRONGER} THEN excluded.error ELSE s.error END,
        delivery_id = CASE WHEN {_STRONGER} THEN excluded.delivery_id ELSE s.delivery_id END
        WHERE {_STRONGER} OR s.publisher_id <> excluded.publisher_id
            OR s.publisher_id IS NOT NULL AND excluded.publisher_id IS NULL
    RETURNING (SELECT o.reason FROM preferences_suppression o WHERE o.id = s.id),
        reason, channel, address_index, masked"""


def lift(rows: Iterable[Suppression], why: str) -> None:
    """Let these addresses be sent to again; ``why`` is kept in the trail."""
    found = list(rows)
    Suppression.objects.filter(pk__in=[row.pk for row in found]).delete()
    audit_trail.record(
        Entry(
            Change.LIFTED,
            None,
            row.channel,
            bytes(row.address_index),
            row.masked,
            f"{row.reason}: {why}",
        )
        for row in found
    )


def revive(addresses: Sequence[tuple[str, bytes]]) -> None:
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
                WHERE s.reason = %s ORDER BY s.id FOR UPDATE OF s)
            RETURNING channel, address_index, masked""",
            [*(list(column) for column in zip(*addresses, strict=True)), DEAD],
        )
        lifted = cursor.fetchall()
    audit_trail.record(
        Entry(Change.LIFTED, None, channel, bytes(index), masked, f"{DEAD}: registered again")
        for channel, index, masked in lifted
    )
