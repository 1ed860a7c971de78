"""Figures of RabbitMQ's own: what was published to it, and what waits in it."""

import re

from notifier.domain.queues import at_broker, names
from stack.backends.rabbitmq import CHANNELS, RabbitMQ
from stack.errors import StackError


def published(broker: RabbitMQ) -> int:
    """Messages that clients have published since it started, those of every kind: the service's,
    and Celery's events and heartbeats."""
    said = broker.control("eval", "rabbit_global_counters:overview().")
    return sum(map(int, re.findall(r"\bmessages_received_total => (\d+)", said)))


def waiting(broker: RabbitMQ, prefix: str) -> int:
    """Messages in the queues of the service with this prefix, those included that a worker has not
    acknowledged yet.

    Half a second passes before it looks: that is how long ``rabbitmqctl`` takes to start. Raises
    ``StackError`` where it finds none of them, which would be no messages by mistake.
    """
    ours = {at_broker(prefix, name) for name in names(CHANNELS)}
    lines = map(str.split, broker.control("list_queues", "name", "messages").splitlines())
    found = [int(line[1]) for line in lines if len(line) == 2 and line[0] in ours]
    if not found:
        raise StackError(f"RabbitMQ has none of the service's queues ({prefix}.…)")
    return sum(found)
