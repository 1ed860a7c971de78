"""The queues as the broker is told of them, each with a dead-letter queue."""

from collections.abc import Iterable

from kombu import Exchange, Queue

from notifier.queues import DEAD_SUFFIX, names

EXCHANGE = Exchange("notifier", type="direct", durable=True)


def live(channels: Iterable[str], *, quorum: bool) -> list[Queue]:
    """For Celery's ``task_queues``: durable, dead-lettered.

    A message RabbitMQ gives up on (undecodable, unknown task, over a quorum queue's delivery
    limit) lands in ``<queue>.dead``; the row it named stays in Postgres and is swept.
    """
    return [
        _queue(
            name,
            quorum,
            {
                "x-dead-letter-exchange": EXCHANGE.name,
                "x-dead-letter-routing-key": name + DEAD_SUFFIX,
            },
        )
        for name in names(channels)
    ]


def dead(channels: Iterable[str], *, quorum: bool) -> list[Queue]:
    """The dead-letter queues. No worker consumes them; their depth is an alarm."""
    return [_queue(name + DEAD_SUFFIX, quorum, {}) for name in names(channels)]


def _queue(name: str, quorum: bool, arguments: dict[str, str]) -> Queue:
    kind = {"x-queue-type": "quorum"} if quorum else {}
    return Queue(
        name,
        EXCHANGE,
        routing_key=name,
        durable=True,
        queue_arguments={**kind, **arguments},
    )
