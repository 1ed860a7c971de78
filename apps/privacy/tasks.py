"""The Celery tasks of erasures and keys."""

from celery import shared_task

from apps.privacy import erasure as _erasure
from apps.privacy.keys import usage as _usage


@shared_task(name="privacy.erase")
def erase() -> None:
    """Go on with the erasures that are not done; every five seconds."""
    _erasure.tick()


@shared_task(name="privacy.purge")
def purge() -> None:
    """Delete erasures whose retention is over, note which keys are in use; every ten minutes."""
    _erasure.purge()
    _usage.note()
