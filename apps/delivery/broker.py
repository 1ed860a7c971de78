"""Asking the broker how it is and how much it holds."""

from collections.abc import Iterable
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


def depths(names: Iterable[str]) -> dict[str, int]:
    """Messages ready in each of these queues; a queue that does not exist is left out.

    Raises ``Down``.
    """
    found: dict[str, int] = {}
    try:
        with current_app.connection_for_read(
            connect_timeout=TIMEOUT, transport_options={"socket_timeout": TIMEOUT}
        ) as connection:
            connection.ensure_connection(max_retries=1, timeout=TIMEOUT)
            for name in names:
                # A missing queue closes its channel, so each look-up has one of its own.
                channel: Any = connection.channel()
                with channel:
                    try:
                        found[name] = channel.queue_declare(queue=name, passive=True).message_count
                    except connection.channel_errors:
                        continue
    except Exception as error:  # every transport has errors of its own
        raise Down(type(error).__name__) from error
    return found
