"""The broker: each node that is named, its version, the queues and who consumes them."""

import re
from collections.abc import Iterator
from typing import Any

import amqp
from django.conf import settings
from kombu import Connection

from apps.doctor.checks.encryption import is_local, place
from apps.doctor.findings import Finding, Options, Reporter
from notifier.domain.queues import at_broker, names

_found = Reporter("broker")

#: The oldest RabbitMQ that will do.
OLDEST = (3, 10)
#: Seconds to wait for a connection, and for each answer.
PATIENCE = 5


def check(options: Options) -> Iterator[Finding]:
    """Check RabbitMQ at ``AMQP_URL``. Redis as the broker is what the check of Redis looks at."""
    urls = settings.AMQP_URL.split(";")
    if not urls[0].startswith("amqp"):
        yield _found.warning(
            f"Redis at {place(urls[0])} is the broker: Flower and doorbells end with its memory",
            "name a RabbitMQ in AMQP_URL; what is to be sent is in PostgreSQL in any case",
        )
        return
    answered = False
    for url in urls:
        try:
            with _connect(url) as connection:
                yield from _node(url, connection)
                if not answered:
                    answered = True
                    yield from _queues(connection)
        except (OSError, amqp.AMQPError) as error:
            yield _unreachable(url, error)


def _connect(url: str) -> Any:
    timeouts = {"read_timeout": PATIENCE, "write_timeout": PATIENCE}
    connection = Connection(url, connect_timeout=PATIENCE, transport_options=timeouts)
    connection.connect()
    return connection


def _unreachable(url: str, error: Exception) -> Finding:
    at = place(url)
    if isinstance(error, amqp.AccessRefused):
        return _found.error(f"{at} refuses the user or its password", "correct AMQP_URL")
    if isinstance(error, amqp.NotAllowed):
        return _found.error(
            f"{at} has no such virtual host, or this user may not use it",
            "rabbitmqctl add_vhost VHOST, and set_permissions -p VHOST USER '.*' '.*' '.*'",
        )
    return _found.error(
        f"{at} cannot be reached: {error or type(error).__name__}",
        "see whether RabbitMQ runs there; until it does, workers look for work by themselves",
    )


def _node(url: str, connection: Any) -> Iterator[Finding]:
    said = connection.connection.server_properties
    product, version = str(said.get("product", "broker")), str(said.get("version", ""))
    numbers = tuple(int(part) for part in re.findall(r"\d+", version)[:2])
    if product == "RabbitMQ" and numbers < OLDEST:
        oldest = ".".join(map(str, OLDEST))
        yield _found.error(f"{product} {version} is too old", f"upgrade it to {oldest} or newer")
    else:
        yield _found.ok(f"{product} {version} answers at {place(url)}")
    if url.startswith("amqp:") and not is_local(connection.hostname or ""):
        yield _found.warning(
            f"the connection to {place(url)} has no TLS",
            "where others share that network, use amqps:// in AMQP_URL",
        )


def _queues(connection: Any) -> Iterator[Finding]:
    """Check that each queue is there, declared as the settings say, and consumed."""
    declared = {queue.name: queue for queue in settings.CELERY_TASK_QUEUES}
    consumers = {name: one.name for one in settings.PROCESSES for name in one.queues}
    missing, idle = [], []
    for name in names(settings.CHANNELS):
        with connection.channel() as channel:
            there = at_broker(settings.QUEUE_PREFIX, name)
            try:
                found = channel.queue_declare(queue=there, passive=True)
            except amqp.NotFound:
                missing.append(name)
                continue
            except amqp.ResourceError as error:
                yield _found.error(f"{there} cannot be used: {error.reply_text}", "see RabbitMQ")
                continue
            if not found.consumer_count:
                idle.append(name)
            try:
                declared[there](channel).queue_declare()
            except amqp.PreconditionFailed as error:
                yield _found.error(
                    f"{there} was declared otherwise: {error.reply_text}",
                    "delete the queue, which loses nothing, or set NOTIFIER_QUORUM_QUEUES as it "
                    "was",
                )
    if (missing and idle) or (missing and len(missing) < len(declared)):
        yield _found.warning(
            f"no worker has declared {', '.join(missing)} yet",
            f"start {', '.join(dict.fromkeys(consumers[name] for name in missing))}",
        )
    elif missing:
        yield _found.warning("no worker has declared the queues yet", "start the workers")
    if idle:
        yield _found.warning(
            f"nothing consumes {', '.join(idle)}",
            f"start {', '.join(dict.fromkeys(consumers[name] for name in idle))}",
        )
    if not missing and not idle:
        yield _found.ok(f"all {len(declared)} queues are consumed")
