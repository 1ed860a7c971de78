"""Signal receivers: release the deliveries of a topic that is resumed."""

from django.dispatch import receiver

from apps.core import clock
from apps.delivery import state
from apps.delivery.models import TopicRelease
from apps.topics.models import Topic
from apps.topics.services import topic_resumed


@receiver(topic_resumed)
def release(topic: Topic, **_: object) -> None:
    """Make the topic's deferred deliveries due: some at once, the rest by the sweeper.

    Runs in the transaction that resumes the topic. A claim that found it paused locks the topic's
    row until it has written its deferrals, so none is missed.
    """
    state.release_topic(topic.pk)
    TopicRelease.objects.update_or_create(pk=topic.pk, defaults={"resumed_at": clock.moment()})
