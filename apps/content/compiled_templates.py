"""Compiled template versions, cached in the process.

A version never changes, so that a process can keep the last ones it used. Which version is a
template's newest comes from a cache that is invalidated on changes.
"""

import logging
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from functools import lru_cache
from typing import Any

from django.conf import settings

from apps.content.models import Template, TemplateVersion
from apps.core.cache import CachedLookup
from apps.preferences import links
from apps.preferences.channels import get_channel
from apps.preferences.profiles import NO_PROFILE, Profile, SealedProfile
from notifier.domain.messages import Content, InboxAttributes
from notifier.security.crypto import DecryptionError
from notifier.templates import (
    LINKS,
    RECIPIENT,
    Attributes,
    Budget,
    Personal,
    TemplateError,
    Translation,
    lookup,
)

log = logging.getLogger(__name__)
#: Versions that a process keeps, each of at most ``validation.VERSION_LIMIT`` characters.
KEPT = 256


@dataclass(frozen=True, slots=True)
class CompiledTemplate:
    """One version of a template: its translations by channel and locale.

    ``category``: of notifications that have no other; or empty. ``personal_channels``: those on
    which it may use recipients' names or attributes; ``link_channels``: those on which it uses
    their links.
    """

    version_id: int
    name: str
    number: int
    default_locale: str
    category: str
    translations: Mapping[str, Mapping[str, Translation]]
    personal_channels: frozenset[str]
    link_channels: frozenset[str]

    def channels(self) -> list[str]:
        """Return the channels with translations, in the order of the settings."""
        return [channel for channel in settings.CHANNELS if channel in self.translations]

    def locale_for(self, channel: str, wanted: str) -> str:
        """Return the channel's locale that fits a recipient's own locale best."""
        return lookup(wanted, self.default_locale, self._on(channel))

    def render(
        self,
        channel: str,
        locale: str,
        variables: Mapping[str, object],
        *,
        user_id: str,
        wanted: str,
        profile: Profile = NO_PROFILE,
        budget: Budget | None = None,
    ) -> Content:
        """Render the content for ``user_id``, whose own locale is ``wanted``.

        Its links are examples. Raises ``TemplateError``, also for content that the channel cannot
        carry.
        """
        values = {**variables, RECIPIENT: _recipient(user_id, wanted, profile)}
        if self.uses_links(channel, variables):
            self._on(channel)[locale].check_links()
            values[LINKS] = links.example()._asdict()
        return _checked(channel, self._on(channel)[locale].render(values, budget))

    def for_many(
        self,
        channel: str,
        variables: Mapping[str, object],
        inbox: InboxAttributes | None = None,
    ) -> "BulkRenderer":
        """Return a renderer for many recipients with the same variables on one channel.

        Where it ``uses_links``, they are among the variables. ``inbox``: what its contents get.
        """
        return BulkRenderer(self, channel, self._on(channel), variables, inbox)

    def uses_links(self, channel: str, variables: Mapping[str, object]) -> bool:
        """Return whether the content uses recipients' links, and not a variable of that name."""
        if not self.link_channels or LINKS in variables:
            return False
        return channel in self.link_channels or channel not in self.translations

    def uses_profiles(self, channel: str) -> bool:
        """Return whether the content on the channel may use recipients' names or attributes."""
        if not self.personal_channels:
            return False
        return channel in self.personal_channels or channel not in self.translations

    def _on(self, channel: str) -> Mapping[str, Translation]:
        """Return the channel's translations by locale, or those of the first channel.

        A delivery that is sent in place of a failed one may be on a channel without translations.
        """
        return self.translations.get(channel) or self.translations[self.channels()[0]]

    def describe_error(self, channel: str, locale: str, error: TemplateError) -> str:
        """Return the error as a sentence with template, channel, locale, text and line."""
        parts = [f"The template {self.name} (version {self.number}) on {channel} in {locale}"]
        if error.field:
            parts.append(error.field)
        if error.line is not None:
            parts.append(f"line {error.line}")
        return f"{', '.join(parts)}: {error.message}"


class BulkRenderer:
    """Renders a template on one channel, with the same variables, for each of many recipients.

    A translation that does not mention the recipient is rendered once, and all get the same object.
    One that does is filled with the variables once, from its second recipient on.
    """

    def __init__(
        self,
        template: CompiledTemplate,
        channel: str,
        translations: Mapping[str, Translation],
        variables: Mapping[str, object],
        inbox: InboxAttributes | None,
    ) -> None:
        self._template = template
        self._channel = channel
        self._translations = translations
        self._variables = variables
        self._inbox: Mapping[str, Any] = asdict(inbox) if inbox is not None else {}
        #: By a recipient's own locale, that of the translation that fits it best.
        self._locales: dict[str, str] = {}
        self._shared: dict[str, Content] = {}
        #: By translation that mentions the recipient; ``None`` after its first one.
        self._personal: dict[str, Personal | None] = {}
        #: True for a translation that mentions recipients' names or attributes.
        self._profiled: dict[str, bool] = {}

    def render(self, user_id: str, wanted: str, profile: SealedProfile | None = None) -> Content:
        """Return the content for ``user_id``, whose own locale is ``wanted``.

        ``profile``: theirs, where ``uses_profiles``. One that does not decrypt is none. Recipients'
        values that break a title into lines are kept on one. Raises ``TemplateError``, whose text
        names template, channel and locale, and no variable's value.
        """
        locale = self._locales.get(wanted)
        if locale is None:
            locale = self._locales[wanted] = self._template.locale_for(self._channel, wanted)
        shared = self._shared.get(locale)
        if shared is not None:
            return shared
        try:
            return self._render(locale, _recipient(user_id, wanted, self._opened(locale, profile)))
        except TemplateError as error:
            raise TemplateError(
                self._template.describe_error(self._channel, locale, error)
            ) from None

    def _opened(self, locale: str, sealed: SealedProfile | None) -> Profile:
        """Decrypt a profile, if the translation says anything of it."""
        if sealed is None or not self._mentions_profile(locale):
            return NO_PROFILE
        try:
            return sealed.open()
        except DecryptionError as error:  # a message without a name is better than none
            log.error("the profile of a recipient cannot be read: %s", error)
            return NO_PROFILE

    def _mentions_profile(self, locale: str) -> bool:
        found = self._profiled.get(locale)
        if found is None:
            found = self._profiled[locale] = self._translations[locale].mentions_profile()
        return found

    def _render(self, locale: str, recipient: Mapping[str, object]) -> Content:
        translation = self._translations[locale]
        if locale in self._personal:
            personal = self._personal[locale]
            if personal is None:
                personal = self._personal[locale] = translation.prefilled(self._variables)
            return self._finished(personal.render(recipient))
        values = {**self._variables, RECIPIENT: recipient}
        content = self._finished(translation.render(values, one_line=True))
        if RECIPIENT in translation.names():
            self._personal[locale] = None
        else:
            self._shared[locale] = content
        return content

    def _finished(self, content: Content) -> Content:
        _checked(self._channel, content)
        return replace(content, **self._inbox) if self._inbox else content


def _recipient(user_id: str, locale: str, profile: Profile) -> dict[str, object]:
    return {
        "user_id": user_id,
        "locale": locale,
        "name": profile.name,
        "attributes": Attributes.of(profile.attributes),
    }


def _checked(channel: str, content: Content) -> Content:
    try:
        get_channel(channel).check(content)
    except ValueError as error:
        raise TemplateError(str(error)) from None
    return content


@lru_cache(maxsize=KEPT)
def compiled_template(version_id: int) -> CompiledTemplate:
    """Return a compiled version, even of a deleted template.

    Raises ``TemplateVersion.DoesNotExist``.
    """
    version = (
        TemplateVersion.objects.select_related("template")
        .prefetch_related("translations")
        .get(pk=version_id)
    )
    rows = [
        (
            row.channel,
            row.locale,
            Translation(row.title, row.body, row.html, row.data, dict(row.actions)),
        )
        for row in version.translations.all()
    ]
    return compiled(
        version.pk,
        version.template.name,
        version.number,
        version.default_locale,
        version.category,
        rows,
    )


def compiled(
    version_id: int,
    name: str,
    number: int,
    default_locale: str,
    category: str,
    rows: Iterable[tuple[str, str, Translation]],
) -> CompiledTemplate:
    """Return a version with the translations of ``rows``: channel, locale and texts."""
    translations: dict[str, dict[str, Translation]] = {}
    for channel, locale, texts in rows:
        translations.setdefault(channel, {})[locale] = texts
    return CompiledTemplate(
        version_id,
        name,
        number,
        default_locale,
        category,
        translations,
        frozenset(
            channel
            for channel, locales in translations.items()
            if any(one.mentions_profile() for one in locales.values())
        ),
        frozenset(
            channel
            for channel, locales in translations.items()
            if any(one.mentions_links() for one in locales.values())
        ),
    )


def find(publisher_id: int, name: str, number: int | None = None) -> CompiledTemplate | None:
    """Return the publisher's template in this version or its newest; ``None`` if there is none."""
    ids = numbers.get(_key(publisher_id, name)) or ()
    if number is None:
        return compiled_template(ids[-1]) if ids else None
    return compiled_template(ids[number - 1]) if 0 < number <= len(ids) else None


def changed(publisher_id: int, name: str) -> None:
    """Invalidate a template that has a new version or was deleted."""
    numbers.changed(_key(publisher_id, name))


def _key(publisher_id: int, name: str) -> str:
    return f"{publisher_id}:{name}"


def _version_ids(key: str) -> list[int] | None:
    publisher_id, _, name = key.partition(":")
    template = Template.objects.filter(publisher=int(publisher_id), name=name, deleted_at=None)
    rows = TemplateVersion.objects.filter(template__in=template).order_by("number")
    return list(rows.values_list("pk", flat=True)) or None


#: The ids of a template's versions in order, by publisher and name.
numbers: CachedLookup[list[int]] = CachedLookup("template-versions", _version_ids, list, list)
