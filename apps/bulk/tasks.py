"""The Celery tasks of bulk actions."""

from celery import shared_task

from apps.bulk import running as _running


@shared_task(name="bulk.work")
def work() -> None:
    """Go on with the bulk actions that are not finished; every second."""
    _running.tick()


@shared_task(name="bulk.purge")
def purge() -> None:
    """Delete bulk actions whose retention is over; every ten minutes."""
    _running.purge()
