"""Celery tasks."""

from celery import shared_task

from apps.inbox import retention as _purge


@shared_task(name="inbox.purge")
def purge() -> None:
    """Delete expired items; runs every ten minutes."""
    _purge.purge()
