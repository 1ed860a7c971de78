"""The company as people see it: its name, colour and logo, and the languages of their pages."""

import re
from pathlib import Path

from django.core.exceptions import ImproperlyConfigured

from apps.preferences.pages import language_files
from apps.preferences.pages.language_files import Texts
from config import env

# -- People's pages and mails -----------------------------------------------------------------

_COLOR = re.compile(r"#[0-9a-fA-F]{6}")


def company_name() -> str:
    """Return the company's name; empty for none."""
    return env.text(
        "NOTIFIER_COMPANY_NAME", "", "the company, as the pages for people name it at their top"
    )


def company_color() -> str:
    """Return the colour of buttons and links, as ``#rrggbb``."""
    found = env.text(
        "NOTIFIER_COMPANY_COLOR",
        "#1d4ed8",
        "colour of buttons and links on these pages; as text it is darkened or lightened as far as "
        "it takes to be readable",
    )
    if not _COLOR.fullmatch(found):
        raise ImproperlyConfigured(f"NOTIFIER_COMPANY_COLOR must be #rrggbb, not {found!r}")
    return found


def company_logo(company: str) -> str:
    """Return the URL of the logo; empty for none.

    ``company``: its name, which those hear who do not see the logo.
    """
    setting = "NOTIFIER_COMPANY_LOGO"
    found = env.text(
        setting, "", "URL of an image in place of the name; needs NOTIFIER_COMPANY_NAME beside it"
    )
    if found and not company:
        raise ImproperlyConfigured(f"{setting} needs NOTIFIER_COMPANY_NAME beside it")
    return env.checked_url(setting, found) if found else ""


def texts() -> dict[str, Texts]:
    """Return the texts of pages and mails by locale."""
    directory = env.text(
        "NOTIFIER_LANGUAGES",
        "",
        "directory of further languages of these pages, a JSON file for each "
        "(docs/api/preference-page.md#languages)",
    )
    try:
        return language_files.read(str(Path(directory).resolve()) if directory else "")
    except ValueError as error:
        raise ImproperlyConfigured(f"NOTIFIER_LANGUAGES: {error}") from None


def default_language(known: dict[str, Texts]) -> str:
    """Return the language for people whose own is unknown or has no texts."""
    return env.choice(
        "NOTIFIER_LANGUAGE",
        language_files.ENGLISH,
        "language of these pages and of the footers of mails for people whose own is not known",
        known,
    )
