"""Read topics and subscriptions. Topics, which every publish needs, come from a cache."""

from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import asdict, dataclass
from typing import Any

from django.db import connection
from django.db.models import Q, QuerySet

from apps.api.problems import Problem
from apps.core.cache import CachedLookup
from apps.preferences.topic_names import SubscribedTopic
from apps.topics.models import Subscription, SubscriptionState, Topic
from apps.topics.stored_policies import StoredPolicy
from notifier.domain.categories import fold
from notifier.domain.priorities import Priority

#: Subscriptions of one person that they are shown at most, the newest.
MOST_SHOWN = 300


@dataclass(frozen=True, slots=True)
class TopicSnapshot:
    """A topic as publishing needs it.

    ``retry_policy``: ``None`` for the channel's default.
    ``delay``: seconds. ``granted_ids``: the publishers that were granted it.
    """

    id: int
    name: str
    publisher_id: int
    granted_ids: frozenset[int]
    category: str
    default_priority: Priority
    mandatory: bool
    retry_policy: StoredPolicy | None
    delay: int
    requires_confirmation: bool = False
    paused: bool = False

    def visible_to(self, publisher_id: int) -> bool:
        """Return whether the publisher may read the topic and publish to it."""
        return publisher_id == self.publisher_id or publisher_id in self.granted_ids


def get_topic(name: str) -> TopicSnapshot | None:
    """Return the topic of that name, ``None`` if there is none or it was deleted."""
    return topics_by_name.get(name)


def get_topic_by_id(topic_id: int) -> TopicSnapshot | None:
    """Return the topic, even if deleted: notifications accepted before still need it."""
    return topics_by_id.get(topic_id)


def paused_topics(topic_ids: Collection[int]) -> dict[int, float]:
    """Return since when (unix seconds) topics are paused, for those of these that are.

    Nobody resumes one before the caller's transaction ends.
    """
    rows = Topic.objects.raw(
        "SELECT id, paused_at FROM topics_topic WHERE id = ANY(%s) AND paused_at IS NOT NULL "
        "ORDER BY id FOR SHARE",
        [list(topic_ids)],
    )
    return {row.pk: row.paused_at.timestamp() for row in rows if row.paused_at is not None}


def all_paused_topics() -> dict[int, float]:
    """Return since when (unix seconds) topics are paused, by id, for all that are."""
    with connection.cursor() as cursor:  # twice a second in every worker process
        cursor.execute(
            "SELECT id, extract(epoch FROM paused_at)::float8 FROM topics_topic "
            "WHERE paused_at IS NOT NULL"
        )
        return dict(cursor.fetchall())


def visible_topic(name: str, publisher_id: int) -> TopicSnapshot:
    """Return a topic that the publisher owns or was granted. Raises a 404 ``Problem`` otherwise.

    The response is the same whether another publisher's topic exists or not.
    """
    topic = get_topic(name)
    if topic is None or not topic.visible_to(publisher_id):
        raise no_topic(name)
    return topic


def owned_topic(name: str, publisher_id: int) -> TopicSnapshot:
    """Return a topic that the publisher owns. Raises a ``Problem``: 403 if granted, else 404."""
    topic = visible_topic(name, publisher_id)
    if topic.publisher_id != publisher_id:
        raise Problem(
            "forbidden",
            f"Your publisher was granted the topic {name!r}: it may read and publish. "
            "Only the owner may change it, or see and change who is subscribed.",
        )
    return topic


def ids_by_name(publisher_id: int, names: Iterable[str]) -> dict[str, int]:
    """Map names to ids, for topics that the publisher may see."""
    found = ((name, get_topic(name)) for name in names)
    return {name: t.id for name, t in found if t is not None and t.visible_to(publisher_id)}


def names_by_id(publisher_id: int, ids: Iterable[int]) -> dict[int, str]:
    """Map ids to names, for topics that the publisher may see."""
    rows = visible_topics(publisher_id).filter(pk__in=list(ids))
    return dict(rows.values_list("pk", "name"))


def names_of_topics(ids: Iterable[int | None]) -> dict[int, str]:
    """Map ids to names, for any topics, including deleted ones. For operators."""
    rows = Topic.objects.filter(pk__in={key for key in ids if key})
    return dict(rows.values_list("pk", "name"))


def ids_of_name(name: str) -> list[int]:
    """Return the topics of a name: deleting one frees its name, so several may have had it."""
    return list(Topic.objects.filter(name=name).values_list("pk", flat=True))


def topics_of_recipient(recipient_id: int, most: int) -> dict[int, str]:
    """Map ids to names, for up to ``most`` topics that the recipient is or was subscribed to."""
    theirs = Subscription.objects.filter(recipient=recipient_id).values("topic").distinct()
    return dict(Topic.objects.filter(pk__in=theirs[:most]).values_list("pk", "name"))


def names_for_recipient(recipient_id: int, ids: Iterable[int]) -> dict[int, str]:
    """Map ids to names, for these topics and those the recipient is or was subscribed to."""
    theirs = Subscription.objects.filter(recipient=recipient_id).values("topic")
    rows = Topic.objects.filter(Q(pk__in=list(ids)) | Q(pk__in=theirs), deleted_at=None)
    return dict(rows.values_list("pk", "name"))


def active_subscriptions(**whose: object) -> QuerySet[Subscription]:
    """Return what is sent by subscription. ``whose``: ``recipient`` or ``contact``."""
    rows = Subscription.objects.filter(
        state=SubscriptionState.ACTIVE, topic__deleted_at=None, **whose
    )
    return rows.select_related("topic__publisher")


def subscribed_topics(rows: QuerySet[Subscription]) -> list[SubscribedTopic]:
    """Return the topics of active subscriptions, by title."""
    channels: dict[int, set[str]] = defaultdict(set)
    topics: dict[int, Topic] = {}
    for one in rows.order_by("-pk")[:MOST_SHOWN]:
        topics[one.topic_id] = one.topic
        channels[one.topic_id].add(one.channel)
    found = [
        SubscribedTopic(
            topic.pk,
            topic.name,
            topic.display_name or topic.name,
            str(topic.publisher),
            topic.category,
            topic.mandatory,
            frozenset(channels[topic.pk]),
        )
        for topic in topics.values()
    ]
    return sorted(found, key=lambda topic: topic.title)


def subscribed_topics_of(recipient_id: int) -> list[SubscribedTopic]:
    """Return what a recipient is subscribed to now, by title."""
    return subscribed_topics(active_subscriptions(recipient=recipient_id))


def categories(ids: Iterable[int]) -> dict[int, str]:
    """Map ids of topics to categories, whoever owns them."""
    return dict(Topic.objects.filter(pk__in=list(ids)).values_list("pk", "category"))


def visible_topics(publisher_id: int) -> QuerySet[Topic]:
    """Return the topics that the publisher owns or was granted, without deleted ones."""
    granted = Topic.granted_to.through.objects.filter(publisher=publisher_id).values("topic")
    return Topic.objects.filter(
        Q(publisher=publisher_id) | Q(pk__in=granted), deleted_at=None
    ).select_related("publisher")


def subscriptions(topic_id: int) -> QuerySet[Subscription]:
    """Return present and ended subscriptions, with the columns that a list shows."""
    return (
        Subscription.objects.filter(topic=topic_id)
        .select_related("recipient", "contact")
        .only(
            "channel",
            "state",
            "retry_policy",
            "created_at",
            "updated_at",
            "recipient__user_id",
            "contact__masked",
            "contact__platform",
        )
    )


def no_topic(name: str) -> Problem:
    """Return the problem for a topic that does not exist, or not for this publisher."""
    return Problem(
        "not-found", f"There is no topic {name!r}. Create it, or ask its owner for a grant."
    )


def _load(**by: object) -> TopicSnapshot | None:
    topic = Topic.objects.filter(**by).prefetch_related("granted_to").first()
    if topic is None:
        return None
    return TopicSnapshot(
        id=topic.pk,
        name=topic.name,
        publisher_id=topic.publisher_id,
        granted_ids=frozenset(publisher.pk for publisher in topic.granted_to.all()),
        category=topic.category,
        default_priority=Priority(topic.default_priority),
        mandatory=topic.mandatory,
        retry_policy=topic.retry_policy,
        delay=topic.delay,
        requires_confirmation=topic.requires_confirmation,
        paused=topic.paused,
    )


def _encode(topic: TopicSnapshot) -> dict[str, object]:
    return {**asdict(topic), "granted_ids": sorted(topic.granted_ids)}


def _decode(packed: dict[str, Any]) -> TopicSnapshot:
    return TopicSnapshot(
        **{
            **packed,
            # may have been cached by a version that did not fold it
            "category": fold(packed["category"]),
            "granted_ids": frozenset(packed["granted_ids"]),
            "default_priority": Priority(packed["default_priority"]),
        }
    )


topics_by_name = CachedLookup(
    "topic-name", lambda name: _load(name=name, deleted_at=None), _encode, _decode
)
topics_by_id = CachedLookup("topic-id", lambda key: _load(pk=int(key)), _encode, _decode)
