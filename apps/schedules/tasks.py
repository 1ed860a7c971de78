"""The Celery tasks of schedules."""

from celery import shared_task

from apps.schedules import retention as _retention
from apps.schedules import running as _running


@shared_task(name="schedules.run")
def run() -> None:
    """Run the schedules that are due; every second."""
    _running.tick()


@shared_task(name="schedules.purge")
def purge() -> None:
    """Delete records of runs past their retention; every ten minutes."""
    _retention.purge()
