"""The broker: whether it answers, and how much its queues hold."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from celery import current_app
from django.conf import settings

from notifier.domain.queues import at_broker

#: Seconds to wait for a connection to a node, and for each of its answers.
TIMEOUT = 2


class Down(Exception):
    """The broker did not answer in time."""


def ping() -> None:
    """Connect and log in. Raises ``Down``."""
    with _connection():
        pass


@dataclass(frozen=True, slots=True)
class Queue:
    """A queue at the broker.

    ``depth``: messages ready. ``consumers``: workers that consume it; ``None`` if the broker does
    not know (Redis).
    """

    depth: int
    consumers: int | None


def depths(names: Iterable[str]) -> dict[str, int]:
    """Return the number of messages ready in each queue; a queue that does not exist is left out.

    Raises ``Down``.
    """
    return {name: queue.depth for name, queue in inspect(names).items()}


def inspect(names: Iterable[str]) -> dict[str, Queue]:
    """Inspect queues; one that does not exist is left out. Raises ``Down``."""
    found: dict[str, Queue] = {}
    with _connection() as connection:
        counted = connection.transport.driver_type == "amqp"
        for name in names:
            # Asking for a missing queue closes the channel, so each look-up opens one.
            with connection.channel() as channel:
                try:
                    queue = channel.queue_declare(
                        queue=at_broker(settings.QUEUE_PREFIX, name), passive=True
                    )
                except connection.channel_errors:
                    continue
                consumers = queue.consumer_count if counted else None
                found[name] = Queue(queue.message_count, consumers)
    return found


@contextmanager
def _connection() -> Iterator[Any]:
    """Connect to the first node that answers. Raises ``Down`` for any error, also of the block."""
    timeouts = {"socket_timeout": TIMEOUT, "read_timeout": TIMEOUT, "write_timeout": TIMEOUT}
    try:
        with current_app.connection_for_read(
            connect_timeout=TIMEOUT, transport_options=timeouts
        ) as connection:
            others = len(connection.alt) - 1 if connection.alt else 0
            connection.ensure_connection(max_retries=others)
            yield connection
    except Exception as error:  # each transport raises its own errors
        raise Down(type(error).__name__) from error
