"""A template filled in for somebody to look at."""

from collections.abc import Mapping
from typing import Any

from apps.content.compiled_templates import Wording
from notifier.templates import MissingVariable, TemplateError

#: To whom a preview is made out.
SOMEBODY = "ada"


class PreviewError(ValueError):
    """It cannot be filled in; ``pointer`` says what of the request is to blame."""

    def __init__(self, pointer: str, message: str) -> None:
        super().__init__(message)
        self.pointer = pointer


def preview(
    wording: Wording, channel: str, wanted: str, variables: Mapping[str, Any]
) -> dict[str, Any]:
    """What ``SOMEBODY`` would get who wants this locale (empty: the default one).

    Raises ``PreviewError``.
    """
    if channel not in wording.translations:
        raise PreviewError(
            "/channel",
            f"The template {wording.name} (version {wording.number}) has no content for {channel}. "
            f"It has some for: {', '.join(wording.channels())}.",
        )
    wanted = wanted or wording.default_locale
    locale = wording.locale_for(channel, wanted)
    try:
        content = wording.render(channel, locale, variables, user_id=SOMEBODY, wanted=wanted)
    except TemplateError as error:
        name = f"/{error.name.partition('.')[0]}" if isinstance(error, MissingVariable) else ""
        raise PreviewError(f"/variables{name}", wording.blame(channel, locale, error)) from None
    shown = ("title", "body", "html", "data", "actions")
    return {
        "channel": channel,
        "locale": locale,
        **{name: getattr(content, name) for name in shown},
    }
