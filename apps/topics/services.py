"""Writes: topics and grants."""

from collections.abc import Mapping
from typing import Any

from django.db import IntegrityError, transaction
from django.dispatch import Signal

from apps.core import clock
from apps.publishers.models import Publisher
from apps.topics.models import Topic

#: Sent with ``topic`` in the transaction that resumes it: what was held back for it goes on.
topic_resumed = Signal()


class TopicExists(Exception):
    """There is a topic of this name."""


def create_topic(publisher_id: int, fields: Mapping[str, Any]) -> Topic:
    """A new topic of the publisher's. Raises ``TopicExists``."""
    try:
        with transaction.atomic():
            return Topic.objects.create(publisher_id=publisher_id, **fields)
    except IntegrityError as error:
        if "topic_once_a_name" not in str(error):
            raise
        raise TopicExists from None


def change_topic(topic: Topic, fields: Mapping[str, Any]) -> Topic:
    """Set ``fields`` and no others; ``paused`` pauses the topic or resumes it."""
    fields = dict(fields)
    paused = fields.pop("paused", None)
    if paused is not None and paused != topic.paused:
        pause(topic) if paused else resume(topic)
    for name, value in fields.items():
        setattr(topic, name, value)
    topic.save(update_fields=[*fields, "updated_at"])
    return topic


def pause(topic: Topic) -> None:
    """What is published to it is accepted and held back until it is resumed."""
    if topic.paused_at is None:
        change_topic(topic, {"paused_at": clock.moment()})


@transaction.atomic
def resume(topic: Topic) -> None:
    """What was held back goes out within seconds."""
    change_topic(topic, {"paused_at": None})
    topic_resumed.send(Topic, topic=topic)


def delete_topic(topic: Topic) -> None:
    """Nobody finds it any more; what was accepted for it is still delivered."""
    if topic.paused:
        resume(topic)  # nobody could any more
    change_topic(topic, {"deleted_at": clock.moment()})


def grant(topic: Topic, publisher: Publisher) -> None:
    """The publisher may read the topic and publish to it."""
    topic.granted_to.add(publisher)


def withdraw(topic: Topic, publisher: Publisher) -> None:
    """The publisher no longer sees the topic."""
    topic.granted_to.remove(publisher)
