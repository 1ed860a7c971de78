"""Write topics and grants."""

from collections.abc import Mapping
from typing import Any

from django.db import IntegrityError, transaction
from django.dispatch import Signal

from apps.core import clock
from apps.publishers.models import Publisher
from apps.topics.models import Topic

#: Sent with ``topic`` in the transaction that resumes it, so that its notifications go out.
topic_resumed = Signal()


class TopicExists(Exception):
    """A topic of this name exists."""


def create_topic(publisher_id: int, fields: Mapping[str, Any]) -> Topic:
    """Create a topic. Raises ``TopicExists`` if the name is taken."""
    try:
        with transaction.atomic():
            return Topic.objects.create(publisher_id=publisher_id, **fields)
    except IntegrityError as error:
        if "topic_once_a_name" not in str(error):
            raise
        raise TopicExists from None


def change_topic(topic: Topic, fields: Mapping[str, Any]) -> Topic:
    """Set ``fields`` and no others; ``paused`` pauses or resumes the topic."""
    fields = dict(fields)
    paused = fields.pop("paused", None)
    if paused is not None and paused != topic.paused:
        pause(topic) if paused else resume(topic)
    for name, value in fields.items():
        setattr(topic, name, value)
    topic.save(update_fields=[*fields, "updated_at"])
    return topic


def pause(topic: Topic) -> None:
    """Hold notifications of the topic back until it is resumed; they are still accepted."""
    if topic.paused_at is None:
        change_topic(topic, {"paused_at": clock.moment()})


@transaction.atomic
def resume(topic: Topic) -> None:
    """Resume the topic; notifications held back go out within seconds."""
    change_topic(topic, {"paused_at": None})
    topic_resumed.send(Topic, topic=topic)


def delete_topic(topic: Topic) -> None:
    """Delete a topic; notifications accepted before are still delivered."""
    if topic.paused:
        resume(topic)  # afterwards nobody could resume it
    change_topic(topic, {"deleted_at": clock.moment()})


def grant(topic: Topic, publisher: Publisher) -> None:
    """Let a publisher read the topic and publish to it."""
    topic.granted_to.add(publisher)


def withdraw(topic: Topic, publisher: Publisher) -> None:
    """Withdraw a grant: the publisher no longer sees the topic."""
    topic.granted_to.remove(publisher)
