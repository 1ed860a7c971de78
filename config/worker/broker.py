"""Where the broker is: one URL, or one for each node of a RabbitMQ cluster."""

import random

from django.core.exceptions import ImproperlyConfigured

from config import env

RABBITMQ = ("amqp", "amqps")


def url(given: str) -> str:
    """The URLs of ``AMQP_URL`` in an order of this process's own, with ``;`` between them.

    A process connects to the first that answers: in one order for all, the first node would carry
    every connection, and all of them would notice together that it is gone.

    Raises ``ImproperlyConfigured``; what is refused is not shown, since there may be a password in
    it.
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
    if len(urls) > 1 and not schemes <= {*RABBITMQ}:
        raise ImproperlyConfigured(
            "AMQP_URL has several URLs: only the nodes of one RabbitMQ cluster can be listed so, "
            "each as amqp:// or amqps://"
        )
    random.shuffle(urls)
    return ";".join(urls)
