"""Signal receivers: release what waits for what has ended, and stop what somebody has answered."""

from collections.abc import Collection
from uuid import UUID

from django.dispatch import receiver

from apps.core import clock
from apps.delivery import state
from apps.delivery.models import AnswerSource, TopicRelease
from apps.delivery.sending import answers
from apps.delivery.state.digests import release as open_digests
from apps.inbox.changes import items_read
from apps.preferences.digests.services import digests_changed
from apps.preferences.quiet_hours.services import quiet_hours_changed
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


@receiver(quiet_hours_changed)
def judge_again(recipient_ids: Collection[int], **_: object) -> None:
    """Make due what waits for the quiet hours that people had; it is judged by the new ones."""
    state.release_people(recipient_ids)


@receiver(digests_changed)
def send_digests_now(recipient_ids: Collection[int], **_: object) -> None:
    """Close the open digests of people who chose another time: what comes next waits for that."""
    open_digests.make_due(recipient_ids)


@receiver(items_read)
def answer(
    recipient_id: int, notification_ids: Collection[UUID], acknowledged: bool, **_: object
) -> None:
    """Record that somebody read or acknowledged items in their inbox, and stop their steps.

    Runs in the transaction that changes the items, which waits for nothing but the commits of
    claims; what is being sent is waited for after it.
    """
    answers.answer(notification_ids, recipient_id, AnswerSource.INBOX, acknowledged=acknowledged)
