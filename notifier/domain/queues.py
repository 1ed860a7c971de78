"""Names of the queues: one for each kind of work, channel and priority.

Separate queues with workers of their own, not one queue with priorities: prefetch defeats
``x-max-priority``, and RabbitMQ's own documentation advises several queues.
"""

from collections.abc import Iterable

from notifier.domain.priorities import Priority

#: The queue of periodic tasks. No task in it may wait for a provider.
HOUSEKEEPING = "housekeeping"
#: The queue of providers' receipts.
RECEIPTS = "receipts"


def at_broker(prefix: str, name: str) -> str:
    """Return a queue's name at the broker, which several installations may share."""
    return f"{prefix}.{name}"


def fan_out_queue(priority: str) -> str:
    """Return the queue in which notifications of this priority are cut into chunks."""
    return f"fanout.{priority}"


def deliver_queue(channel: str, priority: str) -> str:
    """Return the queue in which deliveries of this channel and priority wait for a worker."""
    return f"deliver.{channel}.{priority}"


def names(channels: Iterable[str]) -> list[str]:
    """Return the names of all queues."""
    fan_out = [fan_out_queue(priority) for priority in Priority]
    deliver = [deliver_queue(channel, priority) for channel in channels for priority in Priority]
    return [*fan_out, *deliver, RECEIPTS, HOUSEKEEPING]
