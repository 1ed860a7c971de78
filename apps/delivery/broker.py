"""Asking the broker how it is and how much it holds."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from celery import current_app

TIMEOUT = 2  # seconds


class Down(Exception):
    """The broker did not answer in time."""


def ping() -> None:
    """Connect and log in. Raises ``Down``."""
    try:
        with current_app.connection_for_read(
            connect_timeout=TIMEOUT, transport_options={"socket_timeout": TIMEOUT}
        ) as connection:
            connection.ensure_connection(max_retries=1, timeout=TIMEOUT)
    except Exception as error:  # every transport has errors of its own
        raise Down(type(error).__name__) from error


@dataclass(frozen=True, slots=True)
class Queue:
    """``depth``: messages ready; ``consumers``: workers that take them, ``None`` where the broker
    does not know (Redis)."""

    depth: int
    consumers: int | None


def depths(names: Iterable[str]) -> dict[str, int]:
    """Messages ready in each of these queues; a queue that does not exist is left out.

    Raises ``Down``.
    """
    return {name: queue.depth for name, queue in look(names).items()}


def look(names: Iterable[str]) -> dict[str, Queue]:
    """Each of these queues; one that does not exist is left out. Raises ``Down``."""
    found: dict[str, Queue] = {}
    try:
        with current_app.connection_for_read(
            connect_timeout=TIMEOUT, transport_options={"socket_timeout": TIMEOUT}
        ) as connection:
            connection.ensure_connection(max_retries=1, timeout=TIMEOUT)
            counted = connection.transport_cls == "amqp"
            for name in names:
                # A missing queue closes its channel, so each look-up has one of its own.
                channel: Any = connection.channel()
                with channel:
                    try:
                        queue = channel.queue_declare(queue=name, passive=True)
                    except connection.channel_errors:
                        continue
                    consumers = queue.consumer_count if counted else None
                    found[name] = Queue(queue.message_count, consumers)
    except Exception as error:  # every transport has errors of its own
        raise Down(type(error).__name__) from error
    return found
