"""Export the subscriptions of one person."""

from collections.abc import Iterator

from apps.topics.models import Subscription


def subscriptions(recipient_id: int) -> Iterator[dict[str, object]]:
    """Yield a recipient's subscriptions, those that ended included."""
    rows = Subscription.objects.filter(recipient=recipient_id).select_related("topic__publisher")
    for row in rows.order_by("pk").iterator(chunk_size=1_000):
        yield {
            "publisher": row.topic.publisher.name,
            "topic": row.topic.name,
            "channel": row.channel,
            "state": row.state,
            "created_at": row.created_at,
            "updated_at": row.updated_at,
        }
