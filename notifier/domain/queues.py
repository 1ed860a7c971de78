"""The names of the queues: one for each kind of work, channel and priority.

Separate queues with workers of their own, not one queue with priorities: prefetch defeats
``x-max-priority``, and RabbitMQ's own documentation advises several queues.
"""

from collections.abc import Iterable

from notifier.domain.priorities import Priority

#: The sweep and the purge. Nothing here may wait for a provider.
HOUSEKEEPING = "housekeeping"
#: What providers report later.
RECEIPTS = "receipts"


def at_broker(prefix: str, name: str) -> str:
    """What the queue of this name is called at the broker, where others may have the same."""
    return f"{prefix}.{name}"


def fan_out_queue(priority: str) -> str:
    """Where a notification of this priority is cut into chunks."""
    return f"fanout.{priority}"


def deliver_queue(channel: str, priority: str) -> str:
    """Where this channel's chunks of this priority wait for a worker."""
    return f"deliver.{channel}.{priority}"


def names(channels: Iterable[str]) -> list[str]:
    """Every queue's name."""
    fan_out = [fan_out_queue(priority) for priority in Priority]
    deliver = [deliver_queue(channel, priority) for channel in channels for priority in Priority]
    return [*fan_out, *deliver, RECEIPTS, HOUSEKEEPING]
