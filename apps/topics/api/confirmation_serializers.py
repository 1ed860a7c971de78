"""What the endpoints for confirmations read and write."""

from rest_framework import serializers

from apps.api.serializers import StrictSerializer


class ConfirmationIn(StrictSerializer):
    """What was sent to the address."""

    token = serializers.CharField(max_length=300)


class ConfirmedOut(serializers.Serializer):
    """A subscription that was confirmed."""

    topic = serializers.CharField()
    channel = serializers.CharField()
    state = serializers.CharField(help_text="active")
