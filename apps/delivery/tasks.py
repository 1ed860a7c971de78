"""What Celery calls. A doorbell's task empties its queue; none has arguments.

The name of such a task says the queue, its result what was done: operators see both in Flower.
"""

import time
from collections.abc import Callable
from typing import TypedDict

from celery import shared_task
from django.conf import settings

from apps.delivery.maintenance import retention as _purge
from apps.delivery.maintenance import sweeper as _sweeper
from apps.delivery.operations import confirmations as _confirmations
from apps.delivery.outbox.queues import Queue
from apps.delivery.receipts import processing as _receipts
from apps.delivery.sending import process as _process
from notifier.domain.priorities import Priority


class Done(TypedDict):
    """Deliveries that were claimed, or chunks that were cut, and the seconds it took."""

    carried: int
    seconds: float


def _doorbell(queue: Queue) -> Callable[[], Done]:
    def empty() -> Done:
        began = time.monotonic()
        carried = _process.worker().empty(queue)
        return Done(carried=carried, seconds=round(time.monotonic() - began, 3))

    return shared_task(name=queue.task)(empty)


#: By queue: the task that empties it.
DOORBELLS = {
    queue: _doorbell(queue)
    for queue in (
        Queue(channel, priority) for channel in ("", *settings.CHANNELS) for priority in Priority
    )
}


@shared_task(name="delivery.sweep")
def sweep() -> None:
    """Take up what was lost, and ring for what is due; every second."""
    _sweeper.sweep()


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
