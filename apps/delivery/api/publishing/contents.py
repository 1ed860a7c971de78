"""The content of a request to publish, and what of it is posted beside a template."""

from typing import Any, cast

import orjson
from rest_framework import serializers

from apps.api.problems import Problem
from apps.api.serializers import Choice, StrictSerializer
from apps.content.serializers import ActionsField, LinkField
from apps.delivery.intake.bodies import ContentBody
from notifier.domain.characters import any_visible
from notifier.domain.messages import DisplayType, InboxAttributes, Severity

#: Bytes of one notification's content as JSON: the largest payload that SNS and Web Push senders
#: ask for.
CONTENT_LIMIT = 64 * 1024


class ContentIn(StrictSerializer):
    """Title, body, data for an app, and links for a person to follow."""

    text_field = "body"

    title = serializers.CharField(
        max_length=500, required=False, default="", allow_blank=True, trim_whitespace=False
    )
    body = serializers.CharField(
        required=False, default="", allow_blank=True, trim_whitespace=False
    )
    # These two names are also attributes of DRF's serializers and fields: its metaclass takes
    # the fields out of the class, so that nothing is overridden.
    data = cast(Any, serializers.DictField(required=False, default=dict))
    actions = ActionsField(child=LinkField())
    severity = Choice(
        [s.value for s in Severity],
        required=False,
        default=Severity.INFO.value,
        help_text="for the inbox",
    )
    display_type = Choice(
        [d.value for d in DisplayType],
        required=False,
        default=DisplayType.INBOX.value,
        help_text="where else than in the inbox an app shows it",
    )
    source = cast(
        Any,
        serializers.CharField(
            max_length=100,
            required=False,
            allow_blank=True,
            default="",
            help_text="the system it comes from, for the inbox",
        ),
    )

    def validate_title(self, title: str) -> str:
        if title and not title.strip():
            raise serializers.ValidationError("This field may not be blank.")
        return title

    def validate(self, attrs: ContentBody) -> ContentBody:
        size = len(orjson.dumps(attrs))
        if size > CONTENT_LIMIT:
            raise Problem(
                "payload-too-large",
                f"The content has {size} bytes; at most {CONTENT_LIMIT} are taken. "
                "Send a link to what is larger.",
                limit=CONTENT_LIMIT,
            )
        return attrs


def check_words(attrs: dict[str, Any]) -> None:
    """Check that either ``content`` or ``template`` says something, if one of them is there.

    What ``content`` has for the inbox beside a template becomes part of ``template``.
    """
    if "content" not in attrs:
        return
    content: ContentBody = attrs["content"]
    if "template" in attrs:
        _refuse_words(content)
        inbox = InboxAttributes(content["severity"], content["display_type"], content["source"])
        if inbox != InboxAttributes():
            attrs["template"]["inbox"] = inbox
        del attrs["content"]
    elif not (any_visible(content["title"]) or any_visible(content["body"]) or content["data"]):
        raise serializers.ValidationError(
            {"content": "Give at least one of title, body and data, with something to see in it."}
        )


def _refuse_words(content: ContentBody) -> None:
    """Raise ``ValidationError`` where content says what the template beside it says."""
    said = {name: content[name] for name in ("title", "body", "data", "actions")}
    detail = "The template says it. Beside one give severity, display_type and source only."
    if twice := {name: [detail] for name, value in said.items() if value}:
        raise serializers.ValidationError({"content": twice})
