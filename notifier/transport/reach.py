"""Where webhooks may go: to which addresses, and on which ports."""

import ipaddress
from collections.abc import Iterable

from pyreqwest.http import Url

from notifier.transport.networks import Address, is_public, unmapped

#: Anything else may be a mail server or a database that takes the request for its own language.
PORTS = frozenset({80, 443, 8080, 8443})


class Reach:
    """``allowed_networks``: CIDRs that may be reached although they are private, on any port."""

    def __init__(self, allowed_networks: Iterable[str] = ()) -> None:
        self._allowed = tuple(ipaddress.ip_network(network) for network in allowed_networks)

    def may(self, ip: Address, port: int) -> bool:
        """Whether a webhook may be sent to this address and port."""
        if any(unmapped(ip) in network for network in self._allowed):
            return True
        return port in PORTS and is_public(ip)

    def check(self, address: str) -> None:
        """Raise ``ValueError`` for a URL that nothing can be sent to, whatever its name resolves
        to. Names are looked up when something is sent, since they move."""
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
        if not self.may(ip, port):
            raise ValueError(
                "Webhooks are not sent to this address or port: it is private or reserved, or no "
                "port of web servers. Name a public host."
            )
