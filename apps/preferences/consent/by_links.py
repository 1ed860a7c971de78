"""Preferences written on pages that links open: they take back only what such pages refused.

Whoever has a link may use it, and whoever may add an address to a person can have a link sent
there. So a link refuses anything, but what the person, an operator or a publisher refused elsewhere
stays refused, also where a page refused it as well.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from django.db import transaction

from apps.preferences import selectors, topic_names
from apps.preferences.consent.refusals import PreferenceScope, weakened
from apps.preferences.consent.services import (
    PreferenceUpdate,
    lock_preferences,
    merge_preferences,
    scope_of,
)


class Chosen(NamedTuple):
    """A person's preferences. ``allowed``: by scope; ``elsewhere``: those without links' refusals.

    ``categories``: of the topics that are named, by id.
    """

    allowed: Mapping[PreferenceScope, bool]
    elsewhere: Mapping[PreferenceScope, bool]
    categories: Mapping[int, str]

    def may_become(self, scope: PreferenceScope, allowed: bool | None) -> bool:
        """Return whether a link may write this preference; ``None`` withdraws it."""
        if allowed is False:
            return True
        after = written(self.allowed, scope, allowed)
        return weakened(self.elsewhere, after, self.categories) is None


def written(
    before: Mapping[PreferenceScope, bool], scope: PreferenceScope, allowed: bool | None
) -> dict[PreferenceScope, bool]:
    """Return the preferences with one written."""
    after = dict(before)
    if allowed is None:
        after.pop(scope, None)
    else:
        after[scope] = allowed
    return after


def chosen(recipient_id: int, topics: Mapping[int, str] | None = None) -> Chosen:
    """Return the person's preferences. ``topics``: categories of topics that may be written of."""
    rows = list(selectors.preferences(recipient_id))
    named = {row.topic_id for row in rows if row.topic_id is not None} - (topics or {}).keys()
    categories = topic_names.categories(named) if named else {}
    return Chosen(
        {scope_of(row): row.allowed for row in rows},
        {scope_of(row): row.allowed for row in rows if row.allowed or not row.chosen_by_link},
        {**categories, **(topics or {})},
    )


@transaction.atomic
def write(recipient_id: int, updates: Sequence[PreferenceUpdate]) -> list[PreferenceUpdate]:
    """Write what differs and a link may write; return it."""
    lock_preferences(recipient_id)
    topics = {one.topic_id for one in updates if one.topic_id is not None}
    found = chosen(recipient_id, topic_names.categories(topics) if topics else None)
    done = []
    for one in updates:
        if found.allowed.get(one.scope) is one.allowed:
            continue
        if found.may_become(one.scope, one.allowed):
            done.append(one)
            found = found._replace(allowed=written(found.allowed, one.scope, one.allowed))
    if done:
        merge_preferences(done, may_lift=True, by_link=True)
    return done
