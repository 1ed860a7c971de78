"""Validation of template versions: errors are found when storing them, not when sending."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import TypedDict

from apps.api.problems import Problem
from apps.preferences.categories import catalogue
from apps.preferences.categories.problems import unknown_category
from apps.preferences.channels import get_channel
from notifier.templates import TemplateError, Translation

#: Characters of all texts of a version together.
VERSION_LIMIT = 256 * 1024
#: Texts of a version with variables or tags: compiling one takes about 0.5 ms, and all have to fit
#: into a process's cache (``notifier.templates.rendering.KEPT``).
MOST_TEXTS = 2000
EMAIL = "email"


class PostedTranslation(TypedDict):
    """The texts of a version on one channel in one locale, as ``TranslationIn`` validated them."""

    channel: str
    locale: str
    title: str
    body: str
    html: str
    data: Mapping[str, object]
    actions: Mapping[str, str]


def check_category(name: str) -> None:
    """Raise a ``Problem`` for a category that the catalogue does not have."""
    if name and catalogue.find(name) is None:
        raise unknown_category(name)


def check_version(default_locale: str, contents: Sequence[PostedTranslation]) -> None:
    """Raise a ``Problem`` that points to every error in ``contents``."""
    errors = list(_excess(contents)) or [
        {"pointer": f"/contents/{position}{'/' if at else ''}{at}", "detail": detail}
        for position, content in enumerate(contents)
        for at, detail in _errors(content)
    ]
    errors += _errors_of_all(default_locale, contents)
    if errors:
        first = errors[0]
        more = f" ({len(errors) - 1} more in errors)" if len(errors) > 1 else ""
        raise Problem(
            "invalid-request", f"{first['pointer']}: {first['detail']}{more}", errors=errors
        )


def translation_of(content: PostedTranslation) -> Translation:
    """Return the posted content as a translation to compile."""
    return Translation(
        title=content["title"],
        body=content["body"],
        html=content["html"],
        data=content["data"],
        actions=content["actions"],
    )


def _excess(contents: Sequence[PostedTranslation]) -> Iterator[dict[str, str]]:
    """Yield errors about sizes that are too large to validate any further."""
    size = sum(translation_of(content).size() for content in contents)
    if size > VERSION_LIMIT:
        yield {
            "pointer": "/contents",
            "detail": f"All texts together have {size:,} characters, and at most "
            f"{VERSION_LIMIT:,} are allowed. Split the template in two.",
        }
    texts = sum(translation_of(content).texts() for content in contents)
    if texts > MOST_TEXTS:
        yield {
            "pointer": "/contents",
            "detail": f"{texts:,} texts have variables or tags, and at most {MOST_TEXTS:,} may. "
            "Split the template in two.",
        }


def _errors_of_all(
    default_locale: str, contents: Sequence[PostedTranslation]
) -> Iterator[dict[str, str]]:
    seen = Counter[tuple[str, str]]()
    for position, content in enumerate(contents):
        place = (content["channel"], content["locale"].lower())
        seen[place] += 1
        if seen[place] == 2:
            yield {
                "pointer": f"/contents/{position}",
                "detail": f"There is another content on {place[0]} in {content['locale']}.",
            }
    for channel in dict.fromkeys(content["channel"] for content in contents):
        if (channel, default_locale.lower()) not in seen:
            yield {
                "pointer": "/contents",
                "detail": f"There is no content on {channel} in {default_locale}, the default "
                "locale, for recipients of other locales. Add it.",
            }


def _errors(content: PostedTranslation) -> Iterator[tuple[str, str]]:
    """Yield the errors of one content, as pairs of field and message."""
    translation = translation_of(content)
    if translation.html and content["channel"] != EMAIL:
        yield "html", "Only an email shows HTML."
    if translation.html and not translation.body:
        yield "body", "Write a body beside the html, for readers that show none."
        return
    try:
        get_channel(content["channel"]).check(translation.outline())
    except TemplateError as error:
        line = "" if error.line is None else f"Line {error.line}: "
        yield error.field, f"{line}{error.message}"
    except ValueError as error:
        yield "", str(error).replace("content.", "")
