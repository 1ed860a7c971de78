"""Request and response bodies of the endpoints for confirmations."""

from collections.abc import Mapping

from rest_framework import serializers

from apps.api.serializers import StrictSerializer


class ConfirmationIn(StrictSerializer):
    """The token that was sent to the address."""

    token = serializers.CharField(max_length=300)


class ConfirmedOut(serializers.Serializer[Mapping[str, object]]):
    """A confirmed subscription."""

    topic = serializers.CharField()
    channel = serializers.CharField()
    state = serializers.CharField(help_text="active")
