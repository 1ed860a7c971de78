"""Once a topic is resumed, what was held back for it goes on."""

from typing import Any

from django.dispatch import receiver

from apps.core import clock
from apps.delivery import state
from apps.delivery.models import TopicRelease
from apps.topics.models import Topic
from apps.topics.services import topic_resumed


@receiver(topic_resumed)
def release(topic: Topic, **_: Any) -> None:
    """Make due what waits for the topic: some at once, the rest by the sweeper.

    In the transaction that resumes it. A claim that saw it paused holds the topic's row until it
    has written what waits, so nothing is missed.
    """
    state.release_topic(topic.pk)
    TopicRelease.objects.update_or_create(pk=topic.pk, defaults={"resumed_at": clock.moment()})
