"""Processes, queues and servers that are away."""

from collections.abc import Iterator

from django.conf import settings
from redis import Redis, RedisError

from apps.alerts import presence
from apps.alerts.conditions.findings import Finding, Unknown, ago
from apps.alerts.rules import UNATTENDED
from apps.delivery.monitoring import broker
from apps.delivery.outbox.backlog import ages
from apps.delivery.outbox.queues import all_queues
from notifier.domain import queues

#: Seconds to wait for Redis.
PATIENCE = 2


def silent() -> Iterator[Finding]:
    """Find processes that run and do nothing."""
    for process, seconds in presence.silent():
        yield Finding(process, f"It looked for work {ago(seconds)} ago.")


def gone() -> Iterator[Finding]:
    """Find lines of the Procfile that had a process and have none."""
    for process, seconds in presence.gone():
        yield Finding(process, f"The last one reported {ago(seconds)} ago.")


class _Inspection:
    """The last inspection of the broker, kept until used: two conditions share a connection."""

    found: dict[str, broker.Queue] | broker.Down | None = None


def _inspect() -> dict[str, broker.Queue] | broker.Down:
    try:
        return broker.inspect(queues.names(settings.CHANNELS))
    except broker.Down as error:
        return error


def broker_down() -> Iterator[Finding]:
    """Find out whether the broker answers."""
    _Inspection.found = error = _inspect()
    if isinstance(error, broker.Down):
        yield Finding("", f"{error}. Workers find what is due by themselves.")


def queue_unattended() -> Iterator[Finding]:
    """Find queues that are full of doorbells, or that nobody consumes although something is due."""
    found, _Inspection.found = _Inspection.found or _inspect(), None
    if isinstance(found, broker.Down):
        raise Unknown  # that it is down is an alert of its own
    due = {queue.name for queue in ages(all_queues())}
    for name, queue in found.items():
        if queue.depth >= UNATTENDED:
            yield Finding(name, "It is full of doorbells.")
        elif queue.consumers == 0 and name in due:
            yield Finding(name, "Something is due there, and no worker consumes it.")


def redis_down() -> Iterator[Finding]:
    """Find out whether Redis answers."""
    options = {"socket_timeout": PATIENCE, "socket_connect_timeout": PATIENCE}
    try:
        with Redis.from_url(settings.REDIS_URL, **options) as client:
            client.ping()
    except RedisError as error:
        yield Finding("", f"{type(error).__name__}. Each process keeps to its own limits.")
