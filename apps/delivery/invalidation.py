"""Whoever writes a status webhook, cached copies go."""

from typing import Any

from django.db.models.signals import post_delete, post_save
from django.dispatch import receiver

from apps.delivery import status_webhooks
from apps.delivery.models import StatusWebhook


@receiver([post_save, post_delete], sender=StatusWebhook)
def status_webhook_changed(**_: Any) -> None:
    status_webhooks.changed()
