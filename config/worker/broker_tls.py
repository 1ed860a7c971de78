"""TLS to RabbitMQ (``amqps://``): the host proves that it is the one that ``AMQP_URL`` names."""

import ssl
from typing import Any

from kombu.transport import TRANSPORT_ALIASES
from kombu.transport.pyamqp import SSLTransport

_Transport: Any = SSLTransport


class Transport(_Transport):  # type: ignore[misc]  # kombu has no types
    """Kombu's transport, which by itself believes any host with a certificate of a known authority.

    With a name in its options it would ask every node of a cluster for that of the first.
    """

    def establish_connection(self) -> Any:
        from django.conf import settings  # once Django is set up

        self.client.ssl = {
            "cert_reqs": ssl.CERT_REQUIRED,
            "server_hostname": self.client.hostname,
            "ca_certs": settings.BROKER_CA_FILE or None,
        }
        return super().establish_connection()


def install() -> None:
    """Use it for every ``amqps://`` of this process."""
    TRANSPORT_ALIASES["amqps"] = f"{__name__}:Transport"
