"""The body of a request to edit a scheduled notification."""

from typing import Any

from rest_framework import serializers

from apps.api.serializers import NameField, StrictSerializer
from apps.content.serializers import TemplateUseIn
from apps.delivery.api.publishing.contents import ContentIn, check_words
from apps.delivery.api.publishing.metadata import MetadataField, ReferenceField


class EditIn(StrictSerializer):
    """Changes of a scheduled notification. What is left out stays as it is."""

    content = ContentIn(required=False, help_text="in place of what it says, as a whole")
    template = TemplateUseIn(required=False, help_text="the same, from a template")
    send_at = serializers.DateTimeField(
        required=False, allow_null=True, help_text="at once if it is null or past"
    )
    expires_at = serializers.DateTimeField(
        required=False, allow_null=True, help_text="null: it does not expire"
    )
    collapse_key = NameField(max_length=64, required=False, allow_blank=True)
    reference = ReferenceField(allow_blank=True)
    metadata = MetadataField(
        default=serializers.empty, help_text="in place of all that there are; empty for none"
    )

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if not attrs:
            raise serializers.ValidationError("Give at least one field to change.")
        check_words(attrs)
        return attrs
