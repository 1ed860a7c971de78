"""What Celery calls."""

from celery import shared_task

from apps.inbox import retention as _purge


@shared_task(name="inbox.purge")
def purge() -> None:
    """Take expired items out of the inboxes; every ten minutes."""
    _purge.purge()
