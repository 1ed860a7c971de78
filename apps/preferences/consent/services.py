"""Writes: what people allow and refuse. Set-based: one call, any number.

A publisher may add a refusal and never lift one: that is the person's, or an operator's with a
reason.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import NamedTuple

from django.db import connection, transaction

from apps.preferences import audit_trail, topic_names
from apps.preferences.audit_trail import Change, Entry
from apps.preferences.consent.refusals import Scope, weakened
from apps.preferences.contacts.services import hold_recipients
from apps.preferences.models import Preference

#: What recipients prefer, by the recipient's id.
Preferences = Mapping[int, Mapping[Scope, bool]]


class Wish(NamedTuple):
    """What a recipient wants or refused; ``allowed`` ``None`` takes a wish back."""

    recipient_id: int
    channel: str
    topic_id: int | None
    category: str
    allowed: bool | None

    @property
    def scope(self) -> Scope:
        return Scope(self.channel, self.topic_id, self.category)


class WouldLift(Exception):
    """These would lift refusals: the recipients' ids, each with the preference that would."""

    def __init__(self, found: Mapping[int, Scope]) -> None:
        super().__init__(found)
        self.found = found


@transaction.atomic
def merge_preferences(wishes: Iterable[Wish], *, may_lift: bool = False) -> None:
    """Write these, of which none contradicts another, and leave the others.

    Raises ``WouldLift``, and writes nothing, where that lifts a refusal and may not.
    """
    wishes = list(wishes)
    before = held_preferences({wish.recipient_id for wish in wishes})
    after = {recipient_id: dict(scopes) for recipient_id, scopes in before.items()}
    for wish in wishes:
        if wish.allowed is None:
            after[wish.recipient_id].pop(wish.scope, None)
        else:
            after[wish.recipient_id][wish.scope] = wish.allowed
    _write(before, after, may_lift=may_lift)


@transaction.atomic
def replace_preferences(
    recipient_id: int, hidden: Collection[int], wishes: Sequence[Wish], *, may_lift: bool = False
) -> None:
    """Make these the recipient's only wishes, apart from those for the topics ``hidden``.

    Raises ``WouldLift``, as ``merge_preferences`` does.
    """
    before = held_preferences({recipient_id})
    kept = {scope: on for scope, on in before[recipient_id].items() if scope.topic_id in hidden}
    wanted = {wish.scope: wish.allowed for wish in wishes if wish.allowed is not None}
    _write(before, {recipient_id: kept | wanted}, may_lift=may_lift)


def hold_preferences(recipient_id: int) -> None:
    """Let one transaction at a time look at the recipient's preferences and then write them."""
    hold_recipients([recipient_id])


def held_preferences(recipient_ids: Collection[int]) -> Preferences:
    """What these recipients prefer, which nobody else changes until the transaction ends."""
    found: dict[int, dict[Scope, bool]] = {recipient_id: {} for recipient_id in recipient_ids}
    if found:
        hold_recipients(found)
        rows = Preference.objects.filter(recipient_id__in=found)
        for recipient_id, *scope, allowed in rows.values_list(
            "recipient_id", "channel", "topic_id", "category", "allowed"
        ):
            found[recipient_id][Scope(*scope)] = allowed
    return found


def _write(before: Preferences, after: Preferences, *, may_lift: bool) -> None:
    """Make ``after`` of ``before``: only what differs is written, and every change is in the
    trail."""
    changed = [
        Wish(recipient_id, *scope, allowed)
        for recipient_id, scopes in sorted(after.items())
        for scope in sorted(scopes.keys() | before[recipient_id].keys(), key=_order)
        if (allowed := scopes.get(scope)) is not before[recipient_id].get(scope)
    ]
    if not may_lift:
        _check(before, after, {wish.recipient_id for wish in changed})
    kept = [wish for wish in changed if wish.allowed is not None]
    _upsert([w for w in kept if w.topic_id is not None], "topic_id) WHERE topic_id IS NOT")
    _upsert([w for w in kept if w.topic_id is None], "category) WHERE topic_id IS")
    dropped = [wish[:4] for wish in changed if wish.allowed is None]
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
    audit_trail.record(
        Entry(_CHANGES[wish.allowed], wish.recipient_id, wish.channel, detail=described(wish.scope))
        for wish in changed
    )


_CHANGES = {True: Change.ALLOWED, False: Change.REFUSED, None: Change.WITHDRAWN}


def _check(before: Preferences, after: Preferences, recipient_ids: Collection[int]) -> None:
    topics = {
        scope.topic_id
        for recipient_id in recipient_ids
        for scope in after[recipient_id].keys() | before[recipient_id].keys()
        if scope.topic_id is not None
    }
    categories = topic_names.categories(topics) if topics else {}
    found = {}
    for recipient_id in recipient_ids:
        scope = weakened(before[recipient_id], after[recipient_id], categories)
        if scope is not None:
            found[recipient_id] = scope
    if found:
        raise WouldLift(found)


def scope_of(row: Preference) -> Scope:
    """What a preference's row is about."""
    return Scope(row.channel, row.topic_id, row.category)


def described(scope: Scope) -> str:
    """What a preference is about, beside its channel, for the trail."""
    if scope.topic_id is not None:
        return f"topic {scope.topic_id}"
    return f"category {scope.category}" if scope.category else ""


def _order(scope: Scope) -> tuple[int, str, str]:
    return scope.topic_id or 0, scope.channel, scope.category


def _upsert(wishes: Sequence[Wish], conflict: str) -> None:
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
