"""Signal receivers that invalidate cached topics when a topic or its grants are written."""

from django.db.models.signals import m2m_changed, post_delete, post_save
from django.dispatch import receiver

from apps.publishers.models import Publisher
from apps.topics import selectors
from apps.topics.models import Topic


@receiver([post_save, post_delete], sender=Topic)
def topic_changed(instance: Topic, **_: object) -> None:
    """Invalidate the topic by name and by id."""
    selectors.topics_by_name.changed(instance.name)
    selectors.topics_by_id.changed(instance.pk)


@receiver(m2m_changed, sender=Topic.granted_to.through)
def grants_changed(
    instance: Topic | Publisher, action: str, pk_set: set[int] | None, **_: object
) -> None:
    """Invalidate the topics whose grants changed."""
    if action not in ("post_add", "post_remove", "pre_clear"):
        return
    if isinstance(instance, Topic):
        topics = [instance]
    elif pk_set is None:  # all grants of a publisher are withdrawn
        topics = list(instance.granted_topics.all())
    else:
        topics = list(Topic.objects.filter(pk__in=pk_set))
    for topic in topics:
        topic_changed(topic)
