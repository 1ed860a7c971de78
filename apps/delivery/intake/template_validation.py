"""Validation of a template that is posted in place of content.

It is rendered in every language before the notification is accepted, so that an error which would
hit a recipient is reported to the publisher: a missing variable, or a text that a channel cannot
carry.
"""

from collections.abc import Mapping, Sequence

from apps.api.problems import Problem
from apps.content import compiled_templates
from apps.content.compiled_templates import CompiledTemplate
from apps.content.preview import SOMEBODY
from apps.delivery.intake.bodies import DigestBody, TemplateBody
from apps.delivery.sealed_content import TemplateContent
from notifier.templates import (
    RENDER_STEPS,
    Budget,
    MissingVariable,
    OverBudget,
    TemplateError,
    budget_for,
)

#: Steps that all renderings of one request may take together, about two seconds.
REQUEST_STEPS = 20 * RENDER_STEPS
#: Example variables, with which a digest's template is rendered before a notification is accepted.
DIGEST_EXAMPLE: Mapping[str, object] = {
    "count": 2,
    "items": [
        {
            "title": "Title",
            "body": "Body",
            "data": {},
            "actions": {},
            "topic": "topic",
            "posted_at": "2026-01-01T09:00:00+00:00",
            "notification_id": "00000000-0000-0000-0000-000000000000",
        }
    ]
    * 2,
    "digest": {"key": "key", "category": "Category", "more": 0},
}


class TemplateValidator:
    """Validates the templates of one request, which share a budget of ``REQUEST_STEPS``."""

    def __init__(self) -> None:
        self._left = REQUEST_STEPS

    def validate(
        self, publisher_id: int, use: TemplateBody, chosen: Sequence[str], *, named: str
    ) -> tuple[TemplateContent, list[str]]:
        """Return the template's content, and the ``chosen`` channels that it has content for.

        ``named``: the field in which the publisher named the channels, which makes a channel
        without content an error; empty where none were named.
        Raises ``Problem`` that points into the request.
        """
        compiled = _compiled(publisher_id, use)
        usable = [channel for channel in chosen if channel in compiled.translations]
        missing = [channel for channel in chosen if channel not in compiled.translations]
        if missing and (named or not usable):
            raise _refusal(
                f"/{named or 'template'}",
                f"The template {compiled.name} (version {compiled.number}) has no content for "
                f"{', '.join(missing)}. It has some for: {', '.join(compiled.channels())}.",
            )
        for channel in usable:
            for locale in compiled.translations[channel]:
                self._render(compiled, channel, locale, use["variables"])
        return TemplateContent(compiled.version_id, use["variables"], use.get("inbox")), usable

    def validate_digest(self, publisher_id: int, asked: DigestBody, chosen: Sequence[str]) -> None:
        """Render the template that tells a digest, with an example, if the request names one.

        On a channel without content in it what a digest tells is listed. Raises ``Problem`` that
        points into the request.
        """
        if "template" not in asked:
            return
        pointer = "/digest/template"
        compiled = compiled_templates.find(publisher_id, asked["template"])
        if compiled is None:
            detail = f"You have no template {asked['template']!r}."
            raise Problem(
                "unknown-template", detail, errors=[{"pointer": pointer, "detail": detail}]
            )
        for channel in chosen:
            for locale in compiled.translations.get(channel, ()):
                self._render(compiled, channel, locale, DIGEST_EXAMPLE, pointer)

    def _render(
        self,
        compiled: CompiledTemplate,
        channel: str,
        locale: str,
        variables: Mapping[str, object],
        pointer: str = "",
    ) -> None:
        """Render it once. ``pointer``: at what errors point, in place of the variables."""
        budget: Budget = budget_for(variables, min(RENDER_STEPS, self._left))
        before = budget.left
        try:
            compiled.render(
                channel, locale, variables, user_id=SOMEBODY, wanted=locale, budget=budget
            )
        except MissingVariable as error:
            name = error.name.partition(".")[0]
            raise _refusal(
                pointer or f"/template/variables/{name}",
                compiled.describe_error(channel, locale, error),
            ) from None
        except OverBudget as error:
            if before < RENDER_STEPS:
                raise _refusal(
                    "/template", "The templates of this request take too long. Post fewer at once."
                ) from None
            raise _refusal(
                pointer or "/template", compiled.describe_error(channel, locale, error)
            ) from None
        except TemplateError as error:
            raise _refusal(
                pointer or "/template/variables", compiled.describe_error(channel, locale, error)
            ) from None
        self._left -= before - budget.left


def _compiled(publisher_id: int, use: TemplateBody) -> CompiledTemplate:
    found = compiled_templates.find(publisher_id, use["name"], use.get("version"))
    if found is not None:
        return found
    version = f" with a version {use['version']}" if "version" in use else ""
    detail = f"You have no template {use['name']!r}{version}."
    raise Problem(
        "unknown-template", detail, errors=[{"pointer": "/template/name", "detail": detail}]
    )


def _refusal(pointer: str, detail: str) -> Problem:
    return Problem(
        "invalid-request",
        f"{pointer}: {detail}",
        errors=[{"pointer": pointer, "detail": detail}],
    )
