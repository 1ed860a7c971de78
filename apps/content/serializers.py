"""Request and response bodies of the endpoints for templates."""

from collections.abc import Mapping
from typing import Any, cast

import orjson
from drf_spectacular.utils import extend_schema_field, extend_schema_serializer
from rest_framework import serializers

from apps.api.serializers import NameField, PathNameField, QueryParameters, StrictSerializer
from apps.content.models import TemplateVersion, Translation
from apps.preferences.api.fields import CategoryField, ChannelField, LocaleField
from notifier.domain import links
from notifier.domain.characters import any_visible
from notifier.templates import RECIPIENT
from notifier.templates.rendering import SOURCE_LIMIT

#: Contents of one version: five channels in forty languages.
MOST_CONTENTS = 200
MOST_VERSION = 2**31 - 1
VARIABLES_LIMIT = 64 * 1024


@extend_schema_field({"type": "string", "format": "uri", "maxLength": links.LONGEST})
class LinkField(serializers.CharField):
    """A URL for people to follow (``notifier.domain.links``)."""

    def to_internal_value(self, data: Any) -> str:
        url = super().to_internal_value(data)
        try:
            links.check(url)
        except ValueError as error:
            raise serializers.ValidationError(str(error)) from None
        return url


class ActionsField(serializers.DictField):
    """URLs by the labels that people see."""

    def __init__(self, **options: Any) -> None:
        help_text = "label to URL: https, http, mailto, tel, sms or an app's own scheme"
        super().__init__(**{"required": False, "default": dict, "help_text": help_text, **options})

    def to_internal_value(self, data: Any) -> dict[str, str]:
        actions: dict[str, str] = super().to_internal_value(data)
        if not all(map(any_visible, actions)):
            raise serializers.ValidationError("Give each URL a label with something to see in it.")
        return actions


class VariablesField(serializers.DictField):
    """The variables of a template, of any JSON type."""

    def to_internal_value(self, data: Any) -> dict[str, object]:
        variables: dict[str, object] = super().to_internal_value(data)
        if RECIPIENT in variables:
            raise serializers.ValidationError(
                f"{RECIPIENT} is not posted: it is the recipient of the notification."
            )
        size = len(orjson.dumps(variables))
        if size > VARIABLES_LIMIT:
            raise serializers.ValidationError(
                f"The variables have {size:,} bytes, and at most {VARIABLES_LIMIT:,} are allowed."
            )
        return variables


def _text(help_text: str = "") -> serializers.CharField:
    return serializers.CharField(
        required=False,
        default="",
        allow_blank=True,
        trim_whitespace=False,
        max_length=SOURCE_LIMIT,
        help_text=help_text,
    )


class TranslationIn(StrictSerializer):
    """The texts of a template on one channel in one locale. Each may use `{{ variables }}`."""

    channel = ChannelField()
    locale = LocaleField(help_text="BCP 47, e.g. de-AT")
    title = _text()
    body = _text()
    html = _text("for email, in addition to body; variables are escaped")
    # A field, which DRF's metaclass takes out of the class: the attribute is not overridden.
    data = cast(Any, serializers.DictField(required=False, default=dict))
    actions = ActionsField(child=serializers.CharField(max_length=4000))


class VersionIn(StrictSerializer):
    """A version of a template."""

    default_locale = LocaleField(
        help_text="used for recipients whose own locale has no content; every channel needs it"
    )
    category = CategoryField(
        required=False,
        allow_blank=True,
        help_text="of notifications that name none, to no topic that has one; a version that says "
        "nothing keeps the one before's",
    )
    contents = TranslationIn.many_init(allow_empty=False, max_length=MOST_CONTENTS)


class TemplateIn(VersionIn):
    """A template with its version 1."""

    name = PathNameField()
    display_name = serializers.CharField(
        max_length=200, required=False, default="", allow_blank=True
    )


class PreviewIn(StrictSerializer):
    """Channel, locale and variables to render a template with."""

    channel = ChannelField()
    locale = LocaleField(
        required=False,
        default="",
        allow_blank=True,
        help_text="the recipient's; the default locale if left out",
    )
    variables = VariablesField(required=False, default=dict)
    version = serializers.IntegerField(
        min_value=1, max_value=MOST_VERSION, required=False, help_text="the newest if left out"
    )


@extend_schema_serializer(component_name="TemplateUse")
class TemplateUseIn(StrictSerializer):
    """A template and its variables, in place of content."""

    text_field = "name"

    name = NameField(max_length=200)
    version = serializers.IntegerField(
        min_value=1, max_value=MOST_VERSION, required=False, help_text="the newest if left out"
    )
    variables = VariablesField(required=False, default=dict)


class VersionQuery(QueryParameters):
    """Query parameters of reading a template."""

    version = serializers.IntegerField(
        min_value=1, max_value=MOST_VERSION, required=False, help_text="the newest if left out"
    )


class ContentOut(serializers.Serializer[Mapping[str, object] | Translation]):
    """The content on one channel in one locale."""

    channel = serializers.CharField()
    locale = serializers.CharField()
    title = serializers.CharField()
    body = serializers.CharField()
    html = serializers.CharField()
    data = cast(Any, serializers.DictField())  # taken out of the class, too
    actions = serializers.DictField(child=serializers.CharField())


class TranslationOut(ContentOut):
    """The texts of a template, as they were posted."""

    actions = cast(Any, serializers.SerializerMethodField())  # in place of the inherited field

    def get_actions(self, row: Translation) -> dict[str, str]:
        return dict(row.actions)


@extend_schema_serializer(component_name="VersionRow")
class VersionOut(serializers.Serializer[TemplateVersion]):
    """A version in a list."""

    version = serializers.IntegerField(source="number")
    default_locale = serializers.CharField()
    category = serializers.CharField()
    created_at = serializers.DateTimeField()
    channels = serializers.SerializerMethodField()
    locales = serializers.SerializerMethodField()

    def get_channels(self, row: TemplateVersion) -> list[str]:
        return sorted({one.channel for one in row.translations.all()})

    def get_locales(self, row: TemplateVersion) -> list[str]:
        return sorted({one.locale for one in row.translations.all()})


@extend_schema_serializer(component_name="TemplateRow")
class TemplateSummaryOut(VersionOut):
    """A template in a list, in its newest version."""

    name = serializers.CharField(source="template.name")
    display_name = serializers.CharField(source="template.display_name")


@extend_schema_serializer(component_name="TemplateOut")
class TemplateOut(TemplateSummaryOut):
    """A template in one version, with its contents."""

    contents = TranslationOut(many=True, source="translations")


def written(version: TemplateVersion) -> dict[str, Any]:
    """Return what the audit trail says of a new version."""
    row = VersionOut(version).data
    names = ("version", "default_locale", "category", "channels", "locales")
    return {name: row[name] for name in names}
