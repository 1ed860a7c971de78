"""RabbitMQ's own counters: messages published, and messages that wait."""

import re

from notifier.domain.queues import at_broker, names
from stack.backends.rabbitmq import CHANNELS, RabbitMQ
from stack.errors import StackError


def published(broker: RabbitMQ) -> int:
    """Return the messages published since it started, Celery's events and heartbeats included."""
    output = broker.control("eval", "rabbit_global_counters:overview().")
    return sum(map(int, re.findall(r"\bmessages_received_total => (\d+)", output)))


def waiting(broker: RabbitMQ, prefix: str) -> int:
    """Return the messages in the queues with this prefix, unacknowledged ones included.

    The count is taken half a second later, which is how long ``rabbitmqctl`` takes to start. Raises
    ``StackError`` where there is no such queue.
    """
    ours = {at_broker(prefix, name) for name in names(CHANNELS)}
    lines = map(str.split, broker.control("list_queues", "name", "messages").splitlines())
    found = [int(line[1]) for line in lines if len(line) == 2 and line[0] in ours]
    if not found:
        raise StackError(f"RabbitMQ has none of the service's queues ({prefix}.…)")
    return sum(found)
