"""Celery tasks."""

from celery import shared_task

from apps.inbox import retention, snoozing
from apps.inbox.stream import tickets


@shared_task(name="inbox.purge")
def purge() -> None:
    """Delete expired items and tickets, and what deletions are remembered; every ten minutes."""
    retention.purge()
    retention.forget()
    tickets.forget()


@shared_task(name="inbox.wake")
def wake() -> None:
    """Bring back items whose snooze has ended; runs every five seconds."""
    snoozing.bring_back()
