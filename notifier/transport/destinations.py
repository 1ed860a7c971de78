"""Addresses and ports that webhooks may reach."""

import ipaddress
from collections.abc import Iterable

from pyreqwest.http import Url

from notifier.transport.networks import Address, is_public, unmapped

#: On other ports a mail server or a database could interpret the request as its own protocol.
PORTS = frozenset({80, 443, 8080, 8443})


class AllowedDestinations:
    """The destinations that webhooks may reach.

    ``allowed_networks``: CIDRs of private networks that may be reached too, on any port.
    """

    def __init__(self, allowed_networks: Iterable[str] = ()) -> None:
        self._allowed = tuple(ipaddress.ip_network(network) for network in allowed_networks)

    def allow(self, ip: Address, port: int) -> bool:
        """Return whether a webhook may be sent to this address and port."""
        if any(unmapped(ip) in network for network in self._allowed):
            return True
        return port in PORTS and is_public(ip)

    def check(self, address: str) -> None:
        """Raise ``ValueError`` for a URL that is refused whatever its name resolves to.

        Names are resolved when something is sent, since their addresses change.
        """
        url = Url(address)
        port = url.port_or_known_default or 0
        try:
            ip = ipaddress.ip_address((url.host_str or "").strip("[]"))
        except ValueError:  # a name
            if port not in PORTS and not self._allowed:
                raise ValueError(
                    f"Webhooks are sent to the ports {', '.join(map(str, sorted(PORTS)))} only."
                ) from None
            return
        if not self.allow(ip, port):
            raise ValueError(
                "Webhooks are not sent to this address or port: it is private or reserved, or no "
                "port of web servers. Name a public host."
            )
