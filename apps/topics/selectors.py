"""Reads. A topic is asked for with every publish, so it comes from a cache."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from django.db.models import Q, QuerySet

from apps.api.problems import Problem
from apps.core.cache import CachedLookup
from apps.topics.models import Subscription, Topic
from notifier.domain.categories import fold
from notifier.domain.priorities import Priority


@dataclass(frozen=True, slots=True)
class TopicSnapshot:
    """A topic as publishing needs it.

    ``retry_policy``: see ``apps.topics.retry_policies``, ``None`` for the channel's own; ``delay``:
    seconds; ``granted_ids``: publishers that may publish though they do not own it.
    """

    id: int
    name: str
    publisher_id: int
    granted_ids: frozenset[int]
    category: str
    default_priority: Priority
    mandatory: bool
    retry_policy: Mapping[str, Any] | None
    delay: int
    requires_confirmation: bool = False
    paused: bool = False

    def visible_to(self, publisher_id: int) -> bool:
        """Whether the publisher may read it and publish to it."""
        return publisher_id == self.publisher_id or publisher_id in self.granted_ids


def get_topic(name: str) -> TopicSnapshot | None:
    """The topic of that name, ``None`` if there is none or it was deleted."""
    return topics_by_name.get(name)


def get_topic_by_id(topic_id: int) -> TopicSnapshot | None:
    """The topic, also a deleted one: what was accepted before is still delivered on its terms."""
    return topics_by_id.get(topic_id)


def paused_topics(topic_ids: Collection[int]) -> dict[int, float]:
    """Since when (unix seconds) those of these topics are paused that are. Nobody resumes one
    before the caller's transaction ends."""
    rows = Topic.objects.raw(
        "SELECT id, paused_at FROM topics_topic WHERE id = ANY(%s) AND paused_at IS NOT NULL "
        "ORDER BY id FOR SHARE",
        [list(topic_ids)],
    )
    return {row.pk: row.paused_at.timestamp() for row in rows}


def visible_topic(name: str, publisher_id: int) -> TopicSnapshot:
    """The topic if the publisher owns it or was granted it, else a 404 ``Problem``.

    Another publisher's topic is answered as if it did not exist.
    """
    topic = get_topic(name)
    if topic is None or not topic.visible_to(publisher_id):
        raise no_topic(name)
    return topic


def owned_topic(name: str, publisher_id: int) -> TopicSnapshot:
    """The topic if the publisher owns it; a ``Problem``: 403 if it was granted, else 404."""
    topic = visible_topic(name, publisher_id)
    if topic.publisher_id != publisher_id:
        raise Problem(
            "forbidden",
            f"Your publisher was granted the topic {name!r}: it may read and publish. "
            "Only the owner may change it, or see and change who is subscribed.",
        )
    return topic


def ids_by_name(publisher_id: int, names: Iterable[str]) -> dict[str, int]:
    """Name -> id of those topics that the publisher may see."""
    found = ((name, get_topic(name)) for name in names)
    return {name: t.id for name, t in found if t is not None and t.visible_to(publisher_id)}


def names_by_id(publisher_id: int, ids: Iterable[int]) -> dict[int, str]:
    """Id -> name of those topics that the publisher may see."""
    rows = visible_topics(publisher_id).filter(pk__in=list(ids))
    return dict(rows.values_list("pk", "name"))


def names_of_topics(ids: Iterable[int | None]) -> dict[int, str]:
    """Id -> name of any topics, deleted ones too. For operators."""
    rows = Topic.objects.filter(pk__in={key for key in ids if key})
    return dict(rows.values_list("pk", "name"))


def names_for_recipient(recipient_id: int, ids: Iterable[int]) -> dict[int, str]:
    """Id -> name of these topics, and of those that the recipient is or was subscribed to."""
    theirs = Subscription.objects.filter(recipient=recipient_id).values("topic")
    rows = Topic.objects.filter(Q(pk__in=list(ids)) | Q(pk__in=theirs), deleted_at=None)
    return dict(rows.values_list("pk", "name"))


def categories(ids: Iterable[int]) -> dict[int, str]:
    """Id -> category of topics, whoever owns them."""
    return dict(Topic.objects.filter(pk__in=list(ids)).values_list("pk", "category"))


def visible_topics(publisher_id: int) -> QuerySet[Topic]:
    """Topics the publisher owns or was granted, deleted ones left out."""
    granted = Topic.granted_to.through.objects.filter(publisher=publisher_id).values("topic")
    return Topic.objects.filter(
        Q(publisher=publisher_id) | Q(pk__in=granted), deleted_at=None
    ).select_related("publisher")


def subscriptions(topic_id: int) -> QuerySet[Subscription]:
    """Who is subscribed, or was, with what a list shows of them."""
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
    """The answer about a topic that is not there for the one who asks."""
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


def _encode(topic: TopicSnapshot) -> dict:
    return {**asdict(topic), "granted_ids": sorted(topic.granted_ids)}


def _decode(packed: dict) -> TopicSnapshot:
    return TopicSnapshot(
        **{
            **packed,
            # kept in Redis, perhaps, by a version that did not fold it
            "category": fold(packed["category"]),
            "granted_ids": frozenset(packed["granted_ids"]),
            "default_priority": Priority(packed["default_priority"]),
        }
    )


topics_by_name = CachedLookup(
    "topic-name", lambda name: _load(name=name, deleted_at=None), _encode, _decode
)
topics_by_id = CachedLookup("topic-id", lambda key: _load(pk=int(key)), _encode, _decode)
