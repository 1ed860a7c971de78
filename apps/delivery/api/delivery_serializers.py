"""Serializers of the endpoints of deliveries: those to one person, and why."""

from collections.abc import Mapping

from drf_spectacular.utils import extend_schema_serializer
from rest_framework import serializers

from apps.delivery.api.notification_serializers import DeliveriesQuery, DeliveryOut
from apps.delivery.models import Delivery
from apps.delivery.operations.evidence import Sentence
from apps.delivery.operations.explain import VERDICTS


class PersonDeliveryOut(DeliveryOut):
    """A delivery in a list of those to one person, with what its notification is known by."""

    notification_id = serializers.UUIDField()
    reference = serializers.CharField(source="notification.reference")
    topic = serializers.CharField(source="notification.topic.name", default=None, allow_null=True)

    class Meta:
        model = Delivery
        fields = (*DeliveryOut.Meta.fields, "notification_id", "reference", "topic")


class PersonDeliveriesQuery(DeliveriesQuery):
    """Query parameters that select deliveries to one person."""

    since = serializers.DateTimeField(required=False, help_text="made then or later")


@extend_schema_serializer(component_name="Sentence")
class SentenceOut(serializers.Serializer[Sentence]):
    """A sentence of an explanation."""

    text = serializers.CharField()
    state = serializers.CharField(
        help_text="the state, outcome or event that it is about; empty if about none"
    )


@extend_schema_serializer(component_name="Explanation")
class ExplanationOut(serializers.Serializer[Mapping[str, object]]):
    """An explanation of why somebody got a notification or did not, in sentences for people."""

    delivery_id = serializers.CharField()
    notification_id = serializers.UUIDField()
    user_id = serializers.CharField(allow_null=True, help_text="null for a bare endpoint")
    verdict = serializers.ChoiceField(VERDICTS, help_text="whether they got it, on any channel")
    headline = serializers.CharField(help_text="the verdict in words")
    sentences = SentenceOut(many=True, help_text="about the notification")
    channels = serializers.DictField(
        child=SentenceOut(many=True), help_text="about each channel, with every attempt"
    )
