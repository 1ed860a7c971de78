"""Suppress addresses and lift suppressions, any number in one call."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from django.db import connection

from apps.core import clock
from apps.preferences import audit_trail
from apps.preferences.audit_trail import Change, Entry
from apps.preferences.models import OptOut, Suppression, SuppressionReason
from apps.publishers.audit import Actor
from apps.publishers.models import Publisher

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


def changes(row: Suppression, reason: str) -> bool:
    """Return whether suppressing its address for ``reason``, as an operator does, changes a row."""
    if row.publisher_id is not None or is_reported_opt_out(row):
        return True
    return stronger(row.reason, reason) != row.reason


def suppress(addresses: Iterable[Blocked], why: str = "") -> Suppressed:
    """Suppress addresses, from the next claim on; ``why`` is recorded in the trail.

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
    said = f": {why}" if why else ""
    audit_trail.record_reported(
        (
            once[channel, bytes(index)].provider,
            Entry(Change.SUPPRESSED, None, channel, bytes(index), shown, reason + said),
        )
        for _, reason, channel, index, shown in found
    )
    new = sum(before is None for before, *_ in found)
    return Suppressed(new, len(found) - new)


_RANK = f"coalesce(array_position(ARRAY{[str(reason) for reason in STRENGTH]}, {{}}), 99)"
_STRONGER = f"{_RANK.format('excluded.reason')} < {_RANK.format('s.reason')}"
# An opt-out that a provider reported: its owner can undo it, and whatever else speaks against the
# address has to hold then. One without a provider is from a list that somebody brought along.
_REPORTED = f"({{0}}.reason = '{SuppressionReason.OPTED_OUT}' AND {{0}}.provider <> '')"
_CAUSE = (
    "jsonb_build_object('reason', {0}.reason, 'provider', {0}.provider, 'error', {0}.error, "
    "'delivery_id', {0}.delivery_id, 'publisher_id', {1})"
)
_BESIDE = f"{_REPORTED.format('s')} AND NOT {_REPORTED.format('excluded')}"
_OTHER_RANK = _RANK.format("s.other_cause ->> 'reason'")
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
        delivery_id = CASE WHEN {_STRONGER} THEN excluded.delivery_id ELSE s.delivery_id END,
        other_cause = CASE
            WHEN {_REPORTED.format("excluded")} AND {_STRONGER}
                THEN {_CAUSE.format("s", "s.publisher_id")}
            WHEN NOT ({_BESIDE}) THEN s.other_cause
            WHEN {_STRONGER} THEN NULL
            WHEN s.other_cause IS NULL OR {_RANK.format("excluded.reason")} < {_OTHER_RANK}
                THEN {_CAUSE.format("excluded", "excluded.publisher_id")}
            -- no longer one publisher's alone
            WHEN s.other_cause -> 'publisher_id' IS DISTINCT FROM to_jsonb(excluded.publisher_id)
                THEN s.other_cause || '{{"publisher_id": null}}'
            ELSE s.other_cause END
        WHERE {_STRONGER} OR s.publisher_id <> excluded.publisher_id
            OR s.publisher_id IS NOT NULL AND excluded.publisher_id IS NULL OR {_BESIDE}
    RETURNING (SELECT o.reason FROM preferences_suppression o WHERE o.id = s.id),
        reason, channel, address_index, masked"""


def is_reported_opt_out(row: Suppression) -> bool:
    """Return whether it is an opt-out that a provider reported, which its owner may undo."""
    return row.reason == SuppressionReason.OPTED_OUT and row.provider != ""


def undo_opt_out(row: Suppression, why: str, by: Actor | None) -> None:
    """Undo a reported opt-out; what else speaks against the address still holds.

    ``why`` is recorded in the trail, and ``by`` as who did it.
    """
    other = row.other_cause
    if other is None:
        row.delete()
    else:
        owner = other["publisher_id"]
        row.reason, row.provider, row.error = other["reason"], other["provider"], other["error"]
        row.delivery_id, row.other_cause = other["delivery_id"], None
        row.publisher = Publisher.objects.filter(pk=owner).first() if owner else None
        row.save()
    left = f"; still {row.reason}" if other else ""
    detail = f"{SuppressionReason.OPTED_OUT}: {why}{left}"
    index = bytes(row.address_index)
    audit_trail.record([Entry(Change.LIFTED, None, row.channel, index, row.masked, detail)], by)


def lift(rows: Iterable[Suppression], why: str, by: Actor | None = None) -> None:
    """Lift suppressions, whatever their causes; ``why`` is recorded in the trail.

    ``by``: who did it, if not the current request.
    """
    found = list(rows)
    Suppression.objects.filter(pk__in=[row.pk for row in found]).delete()
    for row in found:
        stopped = OptOut.objects.filter(channel=row.channel, address_index=row.address_index)
        stopped.filter(resumed_at=None).update(resumed_at=clock.moment())
    audit_trail.record(
        (
            Entry(
                Change.LIFTED,
                None,
                row.channel,
                bytes(row.address_index),
                row.masked,
                f"{row.reason}: {why}",
            )
            for row in found
        ),
        by,
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
            """WITH dead AS (
                SELECT s.id, s.reason FROM preferences_suppression s
                JOIN unnest(%s::text[], %s::bytea[]) AS w (channel, address_index)
                    ON s.channel = w.channel AND s.address_index = w.address_index
                WHERE %s IN (s.reason, s.other_cause ->> 'reason') ORDER BY s.id FOR UPDATE OF s),
            beside AS (
                UPDATE preferences_suppression SET other_cause = NULL
                WHERE id IN (SELECT id FROM dead WHERE reason <> %s))
            DELETE FROM preferences_suppression
            WHERE id IN (SELECT id FROM dead WHERE reason = %s)
            RETURNING channel, address_index, masked""",
            [*(list(column) for column in zip(*addresses, strict=True)), DEAD, DEAD, DEAD],
        )
        lifted = cursor.fetchall()
    audit_trail.record(
        Entry(Change.LIFTED, None, channel, bytes(index), masked, f"{DEAD}: registered again")
        for channel, index, masked in lifted
    )
