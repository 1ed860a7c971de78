"""The queues as the broker is told of them, each with a dead-letter queue.

At the broker every name begins with this installation's prefix, so that several can share a virtual
host. Everywhere else (the Procfile's ``-Q``, the code, metrics, the admin) a queue has its plain
name, which is its Celery alias.
"""

import re
from collections.abc import Iterable

from django.core.exceptions import ImproperlyConfigured
from kombu import Exchange, Queue

from notifier.queues import DEAD_SUFFIX, at_broker, names

#: A name at RabbitMQ has 255 bytes, and ``amq.`` is its own.
PREFIX = re.compile(r"(?!amq\.)[A-Za-z0-9._-]{1,100}")


def prefix(given: str, installation: str) -> str:
    """The prefix that is given, or one made of the installation's name."""
    if given and not PREFIX.fullmatch(given):
        raise ImproperlyConfigured(
            "NOTIFIER_QUEUE_PREFIX must be 1 to 100 letters, digits, dots, dashes and underscores, "
            f"and not begin with amq., not {given!r}"
        )
    return given or f"notifier.{installation}"


def exchange(prefix: str) -> Exchange:
    """Where tasks are published."""
    return Exchange(at_broker(prefix, "tasks"), type="direct", durable=True)


def live(prefix: str, channels: Iterable[str], *, quorum: bool) -> list[Queue]:
    """For Celery's ``task_queues``: durable, dead-lettered.

    A message RabbitMQ gives up on (undecodable, unknown task, over a quorum queue's delivery
    limit) lands in ``<queue>.dead``; the row it named stays in Postgres and is swept.
    """
    return [
        _queue(
            prefix,
            name,
            quorum,
            {
                "x-dead-letter-exchange": exchange(prefix).name,
                "x-dead-letter-routing-key": at_broker(prefix, name + DEAD_SUFFIX),
            },
        )
        for name in names(channels)
    ]


def dead(prefix: str, channels: Iterable[str], *, quorum: bool) -> list[Queue]:
    """The dead-letter queues. No worker consumes them; their depth is an alarm."""
    return [_queue(prefix, name + DEAD_SUFFIX, quorum, {}) for name in names(channels)]


def _queue(prefix: str, name: str, quorum: bool, arguments: dict[str, str]) -> Queue:
    kind = {"x-queue-type": "quorum"} if quorum else {}
    return Queue(
        at_broker(prefix, name),
        exchange(prefix),
        routing_key=at_broker(prefix, name),
        alias=name,
        durable=True,
        queue_arguments={**kind, **arguments},
    )
