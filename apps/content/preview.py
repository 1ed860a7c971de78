"""Previews: a template rendered for an example recipient."""

from collections.abc import Mapping

from apps.content.compiled_templates import CompiledTemplate
from notifier.templates import MissingVariable, TemplateError

#: The ``user_id`` for which previews are rendered.
SOMEBODY = "ada"


class PreviewError(ValueError):
    """The template cannot be rendered; ``pointer`` points to the cause in the request."""

    def __init__(self, pointer: str, message: str) -> None:
        super().__init__(message)
        self.pointer = pointer


def preview(
    template: CompiledTemplate, channel: str, wanted: str, variables: Mapping[str, object]
) -> dict[str, object]:
    """Render a template as ``SOMEBODY`` with the locale ``wanted`` (empty: the default) gets it.

    Raises ``PreviewError``.
    """
    if channel not in template.translations:
        raise PreviewError(
            "/channel",
            f"The template {template.name} (version {template.number}) has no content for "
            f"{channel}. It has some for: {', '.join(template.channels())}.",
        )
    wanted = wanted or template.default_locale
    locale = template.locale_for(channel, wanted)
    try:
        content = template.render(channel, locale, variables, user_id=SOMEBODY, wanted=wanted)
    except TemplateError as error:
        name = f"/{error.name.partition('.')[0]}" if isinstance(error, MissingVariable) else ""
        raise PreviewError(
            f"/variables{name}", template.describe_error(channel, locale, error)
        ) from None
    shown = ("title", "body", "html", "data", "actions")
    return {
        "channel": channel,
        "locale": locale,
        **{name: getattr(content, name) for name in shown},
    }
