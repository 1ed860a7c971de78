"""Suppress addresses and lift suppressions, any number in one call."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from django.db import connection

from apps.preferences import audit_trail
from apps.preferences.audit_trail import Change, Entry
from apps.preferences.models import Suppression, SuppressionReason

#: The reason for an address that a provider reported as dead.
DEAD = SuppressionReason.DEAD_ADDRESS


class Blocked(NamedTuple):
    """An address to suppress. ``masked`` is the address as people may see it.

    ``provider``, ``error`` and ``delivery_id`` tell which provider reported it, with which error
    and for which delivery. ``publisher_id`` is the publisher that suppressed it manually.
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
    """The number of addresses not suppressed before, and of those with a weaker reason before."""

    new: int
    stronger: int


#: Reasons, the strongest first. A dead address may be registered again, and a publisher may lift
#: its manual suppression; neither may override what the address's owner said.
STRENGTH = (
    SuppressionReason.COMPLAINT,
    SuppressionReason.OPTED_OUT,
    SuppressionReason.HARD_BOUNCE,
    SuppressionReason.MANUAL,
    SuppressionReason.DEAD_ADDRESS,
)


def stronger(one: str, other: str) -> str:
    """Return the stronger of two reasons."""
    return min(one, other, key=STRENGTH.index)


def suppress(addresses: Iterable[Blocked]) -> Suppressed:
    """Suppress addresses, from the next claim on.

    An address that is suppressed already keeps its reason unless the new one is stronger. It ceases
    to be one publisher's manual suppression once anybody else suppresses it, too.
    """
    weakest_first = sorted(addresses, key=lambda a: -STRENGTH.index(a.reason))
    once = {(a.channel, a.address_index): a for a in weakest_first}
    if not once:
        return Suppressed(0, 0)
    columns = zip(*(once[key] for key in sorted(once)), strict=True)
    with connection.cursor() as cursor:
        cursor.execute(_SUPPRESS, [list(column) for column in columns])
        found = [row for row in cursor.fetchall() if row[0] != row[1]]
    audit_trail.record_reported(
        (
            once[channel, bytes(index)].provider,
            Entry(Change.SUPPRESSED, None, channel, bytes(index), shown, reason),
        )
        for _, reason, channel, index, shown in found
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
    """Lift suppressions; ``why`` is recorded in the trail."""
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


def lift_dead(addresses: Sequence[tuple[str, bytes]]) -> None:
    """Lift suppressions of dead addresses that are registered again.

    ``addresses`` are pairs of channel and blind index. Other reasons stay: registering an address
    does not override its owner's complaint or opt-out.
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
