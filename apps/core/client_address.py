"""The client's IP address, behind proxies too."""

from ipaddress import IPv4Address, IPv6Address, ip_address

from django.conf import settings
from django.http import HttpRequest
from rest_framework.request import Request


def remote_address(request: Request | HttpRequest) -> str | None:
    """Return the client's IP address, ``None`` if the server has none (on a Unix socket).

    ``X-Forwarded-For`` is trusted as far as proxies in ``TRUSTED_PROXIES`` wrote it: read from its
    end, the first address that is not a proxy's is the client's. Anything before that may be
    forged.
    """
    client = _address(request.META.get("REMOTE_ADDR", ""))
    if client is None:
        return None
    for hop in reversed(request.META.get("HTTP_X_FORWARDED_FOR", "").split(",")):
        if not any(client in network for network in settings.TRUSTED_PROXIES):
            break
        before = _address(hop.strip())
        if before is None:
            break
        client = before
    return str(client)


def _address(text: str) -> IPv4Address | IPv6Address | None:
    """Parse ``192.0.2.1``, ``192.0.2.1:80``, ``2001:db8::1`` or ``[2001:db8::1]:80``."""
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        address = ip_address(text.partition("%")[0])  # a link-local address has a zone
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return mapped or address
