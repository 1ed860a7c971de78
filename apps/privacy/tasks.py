"""The Celery tasks of erasures."""

from celery import shared_task

from apps.privacy import erasure as _erasure


@shared_task(name="privacy.erase")
def erase() -> None:
    """Go on with the erasures that are not done; every five seconds."""
    _erasure.tick()


@shared_task(name="privacy.purge")
def purge() -> None:
    """Delete erasures whose retention is over; every ten minutes."""
    _erasure.purge()
