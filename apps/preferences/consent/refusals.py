"""Detection of changes to preferences that allow something refused before.

The most specific preference decides: a topic's beats a category's, either beats one of neither, and
of two the one that names the channel. The claim's SQL uses the same order
(``apps.delivery.state.eligibility.audience``).
"""

from collections.abc import Iterable, Iterator, Mapping
from itertools import product
from typing import NamedTuple

#: Stand-ins for a channel, topic and category that no preference names.
_OTHER_CHANNEL, _OTHER_TOPIC, _OTHER_CATEGORY = "*", -1, "*"


class PreferenceScope(NamedTuple):
    """The scope of a preference. An empty channel or category, or topic ``None``, means any."""

    channel: str
    topic_id: int | None
    category: str


def weakened(
    before: Mapping[PreferenceScope, bool],
    after: Mapping[PreferenceScope, bool],
    categories: Mapping[int, str],
) -> PreferenceScope | None:
    """Return a scope whose change allows what was refused, ``None`` if there is none.

    ``before`` and ``after`` map each scope to whether it is allowed; ``categories`` maps the ids of
    the topics named to their categories.
    """
    changed = [
        scope for scope in before.keys() | after.keys() if before.get(scope) != after.get(scope)
    ]
    channels = {scope.channel for scope in before.keys() | after.keys()} - {""}
    mentioned = {scope.category for scope in before.keys() | after.keys()} - {""}
    for scope in sorted(changed, key=str):
        named = {scope.category or _OTHER_CATEGORY}
        if scope.topic_id is not None:  # its notifications may have any category
            named = {categories.get(scope.topic_id, ""), *mentioned, _OTHER_CATEGORY}
        for case in _cases(scope, [*channels, _OTHER_CHANNEL], named):
            if not _allows(before, case) and _allows(after, case):
                return scope
    return None


def _cases(
    scope: PreferenceScope, channels: Iterable[str], categories: Iterable[str]
) -> Iterator[PreferenceScope]:
    """Yield one example of each kind of delivery that this preference may decide."""
    topic = scope.topic_id if scope.topic_id is not None else _OTHER_TOPIC
    named = [scope.channel] if scope.channel else channels
    for channel, category in product(named, categories):
        yield PreferenceScope(channel, topic, category)


def decision(preferences: Mapping[PreferenceScope, bool], case: PreferenceScope) -> bool | None:
    """Return what the preferences say of a channel, topic and category; ``None`` for nothing."""
    about = [(None, case.category), (None, "")]
    of_topic = [] if case.topic_id is None else [(case.topic_id, "")]
    for topic, category in [*of_topic, *about]:
        for channel in (case.channel, ""):
            decided = preferences.get(PreferenceScope(channel, topic, category))
            if decided is not None:
                return decided
    return None


def _allows(preferences: Mapping[PreferenceScope, bool], case: PreferenceScope) -> bool:
    return decision(preferences, case) is not False
