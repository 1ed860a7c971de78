"""The languages of people's pages and of the mails that Notifier itself words."""

from dataclasses import dataclass

from django.conf import settings
from django.http import HttpRequest
from django.utils.translation.trans_real import parse_accept_lang_header

from apps.preferences.pages.language_files import ENGLISH, Texts
from notifier.templates import lookup


@dataclass(frozen=True, slots=True)
class Language:
    """The texts of one language. ``locale``: its BCP 47 tag."""

    #: Django's templates call whatever can be called.
    do_not_call_in_templates = True
    locale: str
    texts: Texts

    def __call__(self, key: str, **values: str) -> str:
        """Return the text of a key with its placeholders filled."""
        return self.texts[key].format_map(values)

    def in_templates(self) -> dict[str, str]:
        """Return the texts as templates name them: ``preferences_save``."""
        return {key.replace(".", "_"): text for key, text in self.texts.items()}

    def channel(self, name: str) -> str:
        """Return the channel's name; one of the company's own channels is called as it is."""
        return self.texts.get(f"channel.{name}", name)


def language(locale: str, request: HttpRequest | None = None) -> Language:
    """Return the language that fits a person's locale best.

    Without a locale it is the one that the browser of ``request`` asks for, and else the company's
    (``NOTIFIER_LANGUAGE``).
    """
    found = lookup(locale or _asked_for(request), settings.PAGE_LANGUAGE, settings.PAGE_TEXTS)
    return Language(found, settings.PAGE_TEXTS[found])


def choices() -> dict[str, str]:
    """Return the languages' own names by locale."""
    return {locale: texts["language"] for locale, texts in settings.PAGE_TEXTS.items()}


def offered(own: str) -> list[tuple[str, str]]:
    """Return pairs of locale and name to choose from: the languages and the person's own locale.

    A locale such as ``de-AT`` takes the place of its language.
    """
    names = choices()
    if own in names:
        return list(names.items())
    near = language(own).locale
    if own and own.lower().startswith(f"{near.lower()}-"):
        return [(own if one == near else one, name) for one, name in names.items()]
    return [(own, own or "–"), *names.items()]


def _asked_for(request: HttpRequest | None) -> str:
    header = request.headers.get("Accept-Language", "") if request is not None else ""
    for locale, _ in parse_accept_lang_header(header):
        found = lookup(locale, ENGLISH, settings.PAGE_TEXTS)
        if found != ENGLISH or locale.partition("-")[0] == ENGLISH:
            return found
    return ""
