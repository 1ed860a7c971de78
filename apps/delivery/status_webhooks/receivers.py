"""Signal receivers of status webhooks: their rows change, and deliveries move."""

from collections.abc import Sequence

from django.db.models.signals import post_delete, post_save
from django.dispatch import receiver

from apps.delivery.models import StatusWebhook
from apps.delivery.state.signals import deliveries_moved
from apps.delivery.status_webhooks import events, lookup


@receiver([post_save, post_delete], sender=StatusWebhook)
def status_webhook_changed(**_: object) -> None:
    """Drop the cached copies in all processes."""
    lookup.changed()


@receiver(deliveries_moved)
def publish_events(moves: Sequence[tuple[int, str]], **_: object) -> None:
    """Publish events to the status webhooks that chose these states."""
    events.publish(moves)
