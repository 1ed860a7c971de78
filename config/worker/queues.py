"""The queues as they are declared at the broker.

Their messages are doorbells: they say that there is work, and the database says which. A lost one
costs only the time until a worker polls the database, so the queues are short and their messages
expire.

At the broker every name begins with this installation's prefix, so that several installations can
share a virtual host. Everywhere else (the Procfile's ``-Q``, the code, metrics, the admin) a queue
has its plain name, which is its Celery alias.
"""

import re
from collections.abc import Iterable

from django.core.exceptions import ImproperlyConfigured
from kombu import Exchange, Queue

from notifier.domain.queues import at_broker, names

#: A name at RabbitMQ has at most 255 bytes, and ``amq.`` is reserved.
PREFIX = re.compile(r"(?!amq\.)[A-Za-z0-9._-]{1,100}")

#: Most doorbells that wait in a queue: more than workers take at once.
LENGTH = 100
#: Seconds after which a doorbell is dropped: by then workers have polled the database.
LIFE_SECONDS = 60
#: Seconds after which a queue without a worker is deleted, because its prefix may have changed. A
#: later worker declares it again.
UNUSED_SECONDS = 86_400


def prefix(given: str, installation: str) -> str:
    """Return ``given``, or a prefix made of the installation's name.

    Raises ``ImproperlyConfigured`` where RabbitMQ would not take ``given``.
    """
    if given and not PREFIX.fullmatch(given):
        raise ImproperlyConfigured(
            "NOTIFIER_QUEUE_PREFIX must be 1 to 100 letters, digits, dots, dashes and underscores, "
            f"and not begin with amq., not {given!r}"
        )
    return given or f"notifier.{installation}"


def exchange(prefix: str) -> Exchange:
    """Return the exchange that tasks are published to."""
    return Exchange(at_broker(prefix, "tasks"), type="direct", durable=True)


def live(prefix: str, channels: Iterable[str], *, quorum: bool) -> list[Queue]:
    """Return the queues for Celery's ``task_queues``."""
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
