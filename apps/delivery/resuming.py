"""Whoever resumes a topic, what was held back for it goes on."""

from typing import Any

from django.dispatch import receiver

from apps.delivery import transitions
from apps.topics.models import Topic
from apps.topics.services import topic_resumed


@receiver(topic_resumed)
def release(topic: Topic, **_: Any) -> None:
    transitions.release_topic(topic.pk)
