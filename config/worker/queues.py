"""The queues as the broker is told of them.

Their messages are doorbells: they say that there is work, and the database says which. One that is
lost costs the moment until a worker looks by itself, so the queues are short and forget.

At the broker every name begins with this installation's prefix, so that several can share a virtual
host. Everywhere else (the Procfile's ``-Q``, the code, metrics, the admin) a queue has its plain
name, which is its Celery alias.
"""

import re
from collections.abc import Iterable

from django.core.exceptions import ImproperlyConfigured
from kombu import Exchange, Queue

from notifier.domain.queues import at_broker, names

#: A name at RabbitMQ has 255 bytes, and ``amq.`` is its own.
PREFIX = re.compile(r"(?!amq\.)[A-Za-z0-9._-]{1,100}")

#: Doorbells that wait in a queue, at most: more than workers hear at once.
LENGTH = 100
#: Seconds after which one is dropped: by then workers have looked by themselves.
LIFE_SECONDS = 60
#: Seconds after which a queue without a worker is deleted: its prefix may have changed. A worker
#: that comes later declares it again.
UNUSED_SECONDS = 86_400


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
    """For Celery's ``task_queues``."""
    kind = {"x-queue-type": "quorum"} if quorum else {}
    return [
        Queue(
            at_broker(prefix, name),
            exchange(prefix),
            routing_key=at_broker(prefix, name),
            alias=name,
            durable=True,  # RabbitMQ 4.3 refuses queues that are neither durable nor exclusive
            max_length=LENGTH,  # the oldest is dropped
            message_ttl=LIFE_SECONDS,
            expires=UNUSED_SECONDS,
            queue_arguments=kind,
        )
        for name in names(channels)
    ]
