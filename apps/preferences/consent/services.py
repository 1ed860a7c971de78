"""Write preferences: what people allow and refuse, any number in one call.

A publisher may add refusals but not lift any: only the person may, or an operator with a reason.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import NamedTuple

from django.db import connection, transaction

from apps.preferences import audit_trail, topic_names
from apps.preferences.audit_trail import Change, Entry
from apps.preferences.consent.refusals import PreferenceScope, weakened
from apps.preferences.contacts.services import lock_recipients
from apps.preferences.models import Preference

EVERYTHING = PreferenceScope("", None, "")

#: Preferences by recipient id: whether each scope is allowed.
Preferences = Mapping[int, Mapping[PreferenceScope, bool]]


class PreferenceUpdate(NamedTuple):
    """A preference to write; an ``allowed`` of ``None`` withdraws it."""

    recipient_id: int
    channel: str
    topic_id: int | None
    category: str
    allowed: bool | None

    @property
    def scope(self) -> PreferenceScope:
        return PreferenceScope(self.channel, self.topic_id, self.category)


class WouldLiftRefusal(Exception):
    """The update would lift refusals. ``found`` maps recipient ids to the scope that would."""

    def __init__(self, found: Mapping[int, PreferenceScope]) -> None:
        super().__init__(found)
        self.found = found


@transaction.atomic
def merge_preferences(
    updates: Iterable[PreferenceUpdate], *, may_lift: bool = False, by_link: bool = False
) -> None:
    """Write these preferences, none of which contradicts another, and keep all others.

    ``by_link``: they were chosen on a page that a link opens (see ``by_links``).

    Raises ``WouldLiftRefusal``, and writes nothing, where that would lift a refusal without
    ``may_lift``.
    """
    updates = list(updates)
    before = locked_preferences({update.recipient_id for update in updates})
    after = {recipient_id: dict(scopes) for recipient_id, scopes in before.items()}
    for update in updates:
        if update.allowed is None:
            after[update.recipient_id].pop(update.scope, None)
        else:
            after[update.recipient_id][update.scope] = update.allowed
    _write(before, after, may_lift=may_lift, by_link=by_link)
    if not by_link:
        _keep_from_links(updates)


@transaction.atomic
def replace_preferences(
    recipient_id: int,
    hidden: Collection[int],
    updates: Sequence[PreferenceUpdate],
    *,
    may_lift: bool = False,
) -> None:
    """Make these the recipient's only preferences, apart from those for the topics ``hidden``.

    Raises ``WouldLiftRefusal`` as ``merge_preferences`` does.
    """
    before = locked_preferences({recipient_id})
    kept = {scope: on for scope, on in before[recipient_id].items() if scope.topic_id in hidden}
    wanted = {update.scope: update.allowed for update in updates if update.allowed is not None}
    _write(before, {recipient_id: kept | wanted}, may_lift=may_lift)
    _keep_from_links(updates)


def leaving_everything(recipient_id: int) -> list[PreferenceUpdate]:
    """Return the updates by which a person refuses everything and withdraws what they allowed.

    Their preferences are locked until the transaction ends.
    """
    chosen = locked_preferences({recipient_id})[recipient_id]
    allowed = [scope for scope, on in chosen.items() if on and scope != EVERYTHING]
    updates = [PreferenceUpdate(recipient_id, *scope, None) for scope in allowed]
    return [*updates, PreferenceUpdate(recipient_id, *EVERYTHING, False)]


def lock_preferences(recipient_id: int) -> None:
    """Let one transaction at a time read the recipient's preferences and then write them."""
    lock_recipients([recipient_id])


def locked_preferences(recipient_ids: Collection[int]) -> Preferences:
    """Return these recipients' preferences, locked until the transaction ends."""
    found: dict[int, dict[PreferenceScope, bool]] = {
        recipient_id: {} for recipient_id in recipient_ids
    }
    if found:
        lock_recipients(found)
        rows = Preference.objects.filter(recipient_id__in=found)
        for recipient_id, channel, topic_id, category, allowed in rows.values_list(
            "recipient_id", "channel", "topic_id", "category", "allowed"
        ):
            found[recipient_id][PreferenceScope(channel, topic_id, category)] = allowed
    return found


def _write(
    before: Preferences, after: Preferences, *, may_lift: bool, by_link: bool = False
) -> None:
    """Turn ``before`` into ``after``: write only what differs, and record every change."""
    changed = [
        PreferenceUpdate(recipient_id, *scope, allowed)
        for recipient_id, scopes in sorted(after.items())
        for scope in sorted(scopes.keys() | before[recipient_id].keys(), key=_order)
        if (allowed := scopes.get(scope)) is not before[recipient_id].get(scope)
    ]
    if not may_lift:
        _check(before, after, {update.recipient_id for update in changed})
    kept = [update for update in changed if update.allowed is not None]
    _upsert([u for u in kept if u.topic_id is not None], "topic_id) WHERE topic_id IS NOT", by_link)
    _upsert([u for u in kept if u.topic_id is None], "category) WHERE topic_id IS", by_link)
    dropped = [update[:4] for update in changed if update.allowed is None]
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
        Entry(
            _CHANGES[update.allowed],
            update.recipient_id,
            update.channel,
            detail=describe(update.scope),
        )
        for update in changed
    )


def _keep_from_links(updates: Iterable[PreferenceUpdate]) -> None:
    """Let no link lift these refusals, also where one had been written by a link already."""
    refused = [update[:4] for update in updates if update.allowed is False]
    if refused:
        with connection.cursor() as cursor:
            cursor.execute(
                """UPDATE preferences_preference p SET by_link = false, linked_at = NULL
                FROM unnest(%s::bigint[], %s::text[], %s::bigint[], %s::text[])
                    AS w (recipient_id, channel, topic_id, category)
                WHERE p.recipient_id = w.recipient_id AND p.channel = w.channel
                    AND p.topic_id IS NOT DISTINCT FROM w.topic_id AND p.category = w.category
                    AND p.by_link AND NOT p.allowed""",
                [list(column) for column in zip(*refused, strict=True)],
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
        raise WouldLiftRefusal(found)


def scope_of(row: Preference) -> PreferenceScope:
    """Return the scope of a preference's row."""
    return PreferenceScope(row.channel, row.topic_id, row.category)


def describe(scope: PreferenceScope) -> str:
    """Describe a scope, apart from its channel, for the trail."""
    if scope.topic_id is not None:
        return f"topic {scope.topic_id}"
    return f"category {scope.category}" if scope.category else ""


def _order(scope: PreferenceScope) -> tuple[int, str, str]:
    return scope.topic_id or 0, scope.channel, scope.category


def _upsert(updates: Sequence[PreferenceUpdate], conflict: str, by_link: bool) -> None:
    if not updates:
        return
    with connection.cursor() as cursor:
        cursor.execute(
            f"""INSERT INTO preferences_preference
                (recipient_id, channel, topic_id, category, allowed, updated_at, by_link, linked_at)
            SELECT w.*, now(), b.by_link, CASE WHEN b.by_link THEN now() END
            FROM unnest(%s::bigint[], %s::text[], %s::bigint[], %s::text[], %s::boolean[]) AS w,
                (SELECT %s::boolean AS by_link) AS b
            ON CONFLICT (recipient_id, channel, {conflict} NULL
            DO UPDATE SET allowed = excluded.allowed, updated_at = now(),
                by_link = excluded.by_link, linked_at = excluded.linked_at""",
            [*(list(column) for column in zip(*updates, strict=True)), by_link],
        )
