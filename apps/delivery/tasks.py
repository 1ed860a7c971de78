"""The Celery tasks: one for the doorbells of each queue, and the periodic ones. None has arguments.

A doorbell's task empties its queue. Operators see the queue in its name, and what was done in its
result, in Flower.
"""

import time
from collections.abc import Callable
from typing import TypedDict

from celery import shared_task

from apps.core.processes import heartbeat as _heartbeat
from apps.delivery.holding import restore_detection as _recognition
from apps.delivery.maintenance import notification_retention as _notifications
from apps.delivery.maintenance import retention as _purge
from apps.delivery.maintenance import sweeper as _sweeper
from apps.delivery.maintenance.partitions import making as _making
from apps.delivery.maintenance.partitions import moving as _moving
from apps.delivery.operations import confirmations as _confirmations
from apps.delivery.outbox.queues import Queue, all_queues
from apps.delivery.receipts import processing as _receipts
from apps.delivery.sending import process as _process


class Done(TypedDict):
    """The result of a doorbell's task: deliveries claimed or audiences cut, and seconds taken."""

    carried: int
    seconds: float


def _doorbell(queue: Queue) -> Callable[[], Done]:
    def empty() -> Done:
        began = time.monotonic()
        carried = _process.worker().empty(queue)
        return Done(carried=carried, seconds=round(time.monotonic() - began, 3))

    return shared_task(name=queue.task)(empty)


#: The task that empties each queue.
DOORBELLS = {queue: _doorbell(queue) for queue in all_queues()}


@shared_task(name="delivery.sweep")
def sweep() -> None:
    """Release what was lost, and ring for due work; every second."""
    _sweeper.sweep()
    _heartbeat.beat()


@shared_task(name="delivery.confirmations")
def confirmations() -> None:
    """Send the confirmation requests of new subscriptions; every second."""
    _confirmations.send()


@shared_task(name="delivery.receipts")
def receipts() -> None:
    """Process the receipts that providers reported; every second."""
    _receipts.read()


@shared_task(name="delivery.age")
def age() -> None:
    """Count a minute of the database's age, by which a restore is recognised; every minute."""
    _recognition.count_minute()


@shared_task(name="delivery.purge_notifications")
def purge_notifications() -> None:
    """Make the partitions of coming days, and delete what is over its retention.

    Contents and records, every ten minutes.
    """
    _moving.forget_killed()
    _making.make_ahead()
    _notifications.purge()


@shared_task(name="delivery.purge")
def purge() -> None:
    """Delete rows past their retention; every ten minutes."""
    _purge.purge()
