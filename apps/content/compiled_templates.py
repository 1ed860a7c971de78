"""Versions of templates as publishing and delivering need them: compiled, and kept.

A version never changes, so a process keeps the last ones it used; which one is a template's newest
comes from a cache that hears of changes.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from django.conf import settings

from apps.content.models import Template, TemplateVersion
from apps.core.cache import CachedLookup
from apps.preferences.channels import get_channel
from notifier.domain.messages import Content
from notifier.templates import RECIPIENT, Budget, Personal, TemplateError, Translation, lookup

#: Versions that a process keeps, each with at most ``checks.VERSION_LIMIT`` characters.
KEPT = 256


@dataclass(frozen=True, slots=True)
class Wording:
    """One version of a template: its translations by channel and locale."""

    version_id: int
    name: str
    number: int
    default_locale: str
    translations: Mapping[str, Mapping[str, Translation]]

    def channels(self) -> list[str]:
        """The channels it has something to say on, in settings order."""
        return [channel for channel in settings.CHANNELS if channel in self.translations]

    def locale_for(self, channel: str, wanted: str) -> str:
        """Which of the channel's locales is spoken to somebody who wants this one."""
        return lookup(wanted, self.default_locale, self._on(channel))

    def mentions_recipient(self, channel: str, locale: str) -> bool:
        """Whether it says something else to each recipient."""
        return RECIPIENT in self._on(channel)[locale].names()

    def render(
        self,
        channel: str,
        locale: str,
        variables: Mapping[str, Any],
        *,
        user_id: str,
        wanted: str,
        budget: Budget | None = None,
    ) -> Content:
        """What it says to ``user_id``, whose own locale is ``wanted``.

        Raises ``TemplateError``, also for what the channel cannot carry.
        """
        values = {**variables, RECIPIENT: _recipient(user_id, wanted)}
        return _checked(channel, self._on(channel)[locale].render(values, budget))

    def for_many(self, channel: str, locale: str, variables: Mapping[str, Any]) -> "ForMany":
        """What ``render`` does, for many recipients: what does not mention them is done once."""
        return ForMany(channel, self._on(channel)[locale].prefilled(variables))

    def _on(self, channel: str) -> Mapping[str, Translation]:
        """By locale. Where it has nothing for the channel, which happens to what is sent instead
        of a delivery that failed, what it says on its first one."""
        return self.translations.get(channel) or self.translations[self.channels()[0]]

    def blame(self, channel: str, locale: str, error: TemplateError) -> str:
        """The error as a sentence that names template, channel, locale, text and line."""
        parts = [f"The template {self.name} (version {self.number}) on {channel} in {locale}"]
        if error.field:
            parts.append(error.field)
        if error.line is not None:
            parts.append(f"line {error.line}")
        return f"{', '.join(parts)}: {error.message}"


class ForMany:
    """What a notification says on one channel in one locale to each of its recipients."""

    def __init__(self, channel: str, personal: Personal) -> None:
        self._channel = channel
        self._personal = personal

    def render(self, user_id: str, wanted: str) -> Content:
        """As ``Wording.render``."""
        return _checked(self._channel, self._personal.render(_recipient(user_id, wanted)))


def _recipient(user_id: str, locale: str) -> dict[str, str]:
    return {"user_id": user_id, "locale": locale}


def _checked(channel: str, content: Content) -> Content:
    try:
        get_channel(channel).check(content)
    except ValueError as error:
        raise TemplateError(str(error)) from None
    return content


@lru_cache(maxsize=KEPT)
def wording(version_id: int) -> Wording:
    """The version, also of a deleted template. Raises ``TemplateVersion.DoesNotExist``."""
    version = (
        TemplateVersion.objects.select_related("template")
        .prefetch_related("translations")
        .get(pk=version_id)
    )
    translations: dict[str, dict[str, Translation]] = {}
    for row in version.translations.all():
        translations.setdefault(row.channel, {})[row.locale] = Translation(
            row.title, row.body, row.html, row.data, dict(row.actions)
        )
    return Wording(
        version.pk, version.template.name, version.number, version.default_locale, translations
    )


def find(publisher_id: int, name: str, number: int | None = None) -> Wording | None:
    """The publisher's template in this version or its newest; ``None`` if there is none."""
    ids = numbers.get(_key(publisher_id, name)) or ()
    if number is None:
        return wording(ids[-1]) if ids else None
    return wording(ids[number - 1]) if 0 < number <= len(ids) else None


def changed(publisher_id: int, name: str) -> None:
    """The template has another version, or is deleted."""
    numbers.changed(_key(publisher_id, name))


def _key(publisher_id: int, name: str) -> str:
    return f"{publisher_id}:{name}"


def _version_ids(key: str) -> Collection[int] | None:
    publisher_id, _, name = key.partition(":")
    template = Template.objects.filter(publisher=int(publisher_id), name=name, deleted_at=None)
    rows = TemplateVersion.objects.filter(template__in=template).order_by("number")
    return list(rows.values_list("pk", flat=True)) or None


#: Publisher and name -> the ids of the template's versions in order.
numbers: CachedLookup[Any] = CachedLookup("template-versions", _version_ids, list, list)
