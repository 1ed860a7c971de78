"""The queues: one for each kind of work, channel and priority, each with a dead-letter queue.

Separate queues with workers of their own, not one queue with priorities: prefetch defeats
``x-max-priority``, and RabbitMQ's own documentation advises several queues.
"""

from kombu import Exchange, Queue

from notifier.priorities import Priority

#: Retry chunks, purges and the sweep run here; nothing here may wait for a provider.
HOUSEKEEPING = "housekeeping"
RECEIPTS = "receipts"
DEAD_SUFFIX = ".dead"


def fan_out_queue(priority: str) -> str:
    """Where a notification of this priority is cut into chunks."""
    return f"fanout.{priority}"


def deliver_queue(channel: str, priority: str) -> str:
    """Where this channel's chunks of this priority wait for a worker."""
    return f"deliver.{channel}.{priority}"


def names(channels: list[str]) -> list[str]:
    """Every queue's name, dead-letter queues left out."""
    fan_out = [fan_out_queue(priority) for priority in Priority]
    deliver = [deliver_queue(channel, priority) for channel in channels for priority in Priority]
    return [*fan_out, *deliver, RECEIPTS, HOUSEKEEPING]


def declare(channels: list[str], *, quorum: bool) -> list[Queue]:
    """kombu queues for Celery's ``task_queues``: durable, dead-lettered.

    A message RabbitMQ gives up on (undecodable, unknown task, over a quorum queue's delivery
    limit) lands in ``<queue>.dead``; the row it named stays in Postgres and is swept.
    """
    kind = {"x-queue-type": "quorum"} if quorum else {}
    exchange = Exchange("notifier", type="direct", durable=True)
    queues = []
    for name in names(channels):
        arguments = {
            **kind,
            "x-dead-letter-exchange": exchange.name,
            "x-dead-letter-routing-key": name + DEAD_SUFFIX,
        }
        queues.append(
            Queue(name, exchange, routing_key=name, durable=True, queue_arguments=arguments)
        )
    return queues


def declare_dead(channels: list[str], *, quorum: bool) -> list[Queue]:
    """The dead-letter queues. No worker consumes them; their depth is an alarm."""
    kind = {"x-queue-type": "quorum"} if quorum else {}
    exchange = Exchange("notifier", type="direct", durable=True)
    return [
        Queue(
            name + DEAD_SUFFIX,
            exchange,
            routing_key=name + DEAD_SUFFIX,
            durable=True,
            queue_arguments=kind,
        )
        for name in names(channels)
    ]
