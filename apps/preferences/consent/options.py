"""The options of a person, channel by channel: one set of rules for pages and the API."""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from django.conf import settings

from apps.preferences.categories import catalogue
from apps.preferences.categories.catalogue import CategorySnapshot
from apps.preferences.consent.refusals import PreferenceScope, decision
from apps.preferences.topic_names import SubscribedTopic


class Option(NamedTuple):
    """A choice to be sent something on a channel. ``scope``: of the preference that changes it."""

    scope: PreferenceScope
    on: bool

    @property
    def channel(self) -> str:
        return self.scope.channel


def of_category(
    category: CategorySnapshot, channels: Iterable[str], allowed: Mapping[PreferenceScope, bool]
) -> list[Option]:
    """Return the options of a category on these channels; none where it is critical."""
    found = []
    for channel in () if category.critical else channels:
        scope = PreferenceScope(channel, None, category.name)
        decided = decision(allowed, scope)
        found.append(Option(scope, channel not in category.off if decided is None else decided))
    return found


def is_always_sent(topic: SubscribedTopic) -> bool:
    """Return whether preferences apply only to what the topic carries of other categories."""
    return topic.mandatory or catalogue.get(topic.category).critical


def of_topic(
    topic: SubscribedTopic, allowed: Mapping[PreferenceScope, bool], *, always: bool
) -> list[Option]:
    """Return the options of a topic.

    What is ``always`` sent has one only where something was chosen about it, which decides about
    its messages of other categories.
    """
    found = []
    for channel in settings.CHANNELS:
        if channel not in topic.channels:
            continue
        if always and not _is_chosen(allowed, channel, topic.id):
            continue
        on = decision(allowed, PreferenceScope(channel, topic.id, topic.category)) is not False
        found.append(Option(PreferenceScope(channel, topic.id, ""), on))
    return found


def _is_chosen(allowed: Mapping[PreferenceScope, bool], channel: str, topic_id: int) -> bool:
    return any(PreferenceScope(one, topic_id, "") in allowed for one in (channel, ""))
