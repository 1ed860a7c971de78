"""The broker's address: one URL, or one for each node of a RabbitMQ cluster."""

import random
from urllib.parse import urlsplit

from django.core.exceptions import ImproperlyConfigured

from config import env
from notifier.domain.queues import at_broker

RABBITMQ = ("amqp", "amqps")
# -- Where things are -------------------------------------------------------------------------

_UNACKNOWLEDGED = ("unacked", "unacked_index", "unacked_mutex")


def url(given: str) -> str:
    """Return the URLs of ``AMQP_URL`` in random order, with ``;`` between them.

    A process connects to the first node that answers. In one order for all processes, the first
    node would carry every connection, and all of them would break together.

    Raises ``ImproperlyConfigured`` without the value, which may contain a password.
    """
    urls = [one.strip() for one in given.split(";") if one.strip()]
    schemes = {one.partition("://")[0] for one in urls}
    known = (*RABBITMQ, *env.REDIS)
    if not urls or not schemes <= {*known}:
        hints = [env.NO_SENTINEL[one] for one in schemes if one in env.NO_SENTINEL]
        beginnings = " or ".join(f"{one}://" for one in known)
        raise ImproperlyConfigured(
            ". ".join([f"AMQP_URL must be a URL that begins with {beginnings}", *hints])
        )
    for one in urls:
        try:
            urlsplit(one).port  # noqa: B018 (it is checked when it is read)
        except ValueError:
            raise ImproperlyConfigured(
                "AMQP_URL has a host and port that cannot be read: write / ? # @ : in its user "
                "and password as %2F %3F %23 %40 %3A"
            ) from None
    if len(urls) > 1 and not schemes <= {*RABBITMQ}:
        raise ImproperlyConfigured(
            "AMQP_URL has several URLs: only the nodes of one RabbitMQ cluster can be listed so, "
            "each as amqp:// or amqps://"
        )
    random.shuffle(urls)
    return ";".join(urls)


def ca_file() -> str:
    """Return the file with the authorities that may have signed the broker's certificate."""
    name = "NOTIFIER_BROKER_CA_FILE"
    meaning = "PEM file of the authority that signed RabbitMQ's certificate (`amqps://`), in place "
    meaning += "of the system's"
    return env.checked_file(name, env.text(name, "", meaning), b"CERTIFICATE-----")


def transport_options(url: str, prefix: str) -> dict[str, object]:
    """Return Celery's ``broker_transport_options`` for the broker at ``url``.

    ``prefix``: what the names of this installation's queues begin with.
    """
    if url.startswith("amqp"):
        # A silent broker holds up neither a publisher nor a worker that is to stop for longer.
        # There are no publisher confirms: a lost doorbell costs nothing, and RabbitMQ sends none
        # under a memory alarm, so workers that answer Flower would wait and consume nothing.
        return {"read_timeout": 5.0, "write_timeout": 5.0}
    return {
        # Redis returns an unacknowledged message after this long; leases are far shorter.
        "visibility_timeout": 600,
        "socket_timeout": 10.0,
        "socket_connect_timeout": 2.0,
        # Kombu keeps unacknowledged messages under keys that all users of the database share.
        **{f"{key}_key": at_broker(prefix, key) for key in _UNACKNOWLEDGED},
    }
