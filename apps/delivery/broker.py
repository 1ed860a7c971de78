"""Asking the broker how it is and how much it holds."""

from celery import current_app

from notifier import queues

TIMEOUT = 2.0


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


def depths(channels: list[str]) -> dict[str, int]:
    """Messages ready by queue, dead-letter queues included; absent ones left out.

    Raises ``Down``.
    """
    found: dict[str, int] = {}
    try:
        with current_app.connection_for_read(
            connect_timeout=TIMEOUT, transport_options={"socket_timeout": TIMEOUT}
        ) as connection:
            connection.ensure_connection(max_retries=1, timeout=TIMEOUT)
            for name in _all(channels):
                # A missing queue closes its channel, so each look-up has one of its own.
                with connection.channel() as channel:
                    try:
                        found[name] = channel.queue_declare(queue=name, passive=True).message_count
                    except connection.channel_errors:
                        continue
    except Exception as error:  # every transport has errors of its own
        raise Down(type(error).__name__) from error
    return found


def _all(channels: list[str]) -> list[str]:
    live = queues.names(channels)
    return [*live, *(name + queues.DEAD_SUFFIX for name in live)]
