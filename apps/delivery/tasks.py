"""What Celery calls: one service call each. Arguments are ids, never content or addresses."""

from celery import shared_task

from apps.delivery import confirmations as _confirmations
from apps.delivery import deliver as _deliver
from apps.delivery import fan_out as _fan_out
from apps.delivery import purge as _purge
from apps.delivery import receipts as _receipts
from apps.delivery import sweep as _sweep


@shared_task(name="delivery.fan_out")
def fan_out(chunk_id: int) -> None:
    """Cut a notification's audience into chunks."""
    _fan_out.fan_out(chunk_id)


@shared_task(name="delivery.deliver")
def deliver(chunk_id: int) -> None:
    """Deliver one chunk."""
    _deliver.deliver(chunk_id)


@shared_task(name="delivery.sweep")
def sweep() -> None:
    """Enqueue what is due and what was lost; every second."""
    _sweep.sweep()


@shared_task(name="delivery.confirmations")
def confirmations() -> None:
    """Ask new subscribers to confirm; every second."""
    _confirmations.send()


@shared_task(name="delivery.receipts")
def receipts() -> None:
    """Read what providers reported; every second."""
    _receipts.read()


@shared_task(name="delivery.purge")
def purge() -> None:
    """Drop what has done its work; every ten minutes."""
    _purge.purge()
