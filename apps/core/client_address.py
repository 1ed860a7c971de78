"""From where a request came, behind proxies too."""

from ipaddress import IPv4Address, IPv6Address, ip_address

from django.conf import settings
from django.http import HttpRequest
from rest_framework.request import Request


def remote_address(request: Request | HttpRequest) -> str | None:
    """The client's IP address, ``None`` where the server did not say (a Unix socket).

    ``X-Forwarded-For`` is believed as far as it was written by proxies in ``TRUSTED_PROXIES``:
    read from its end, the first address that is none of theirs is the client's. What stands
    before that anybody may have made up.
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
    """The address in ``192.0.2.1``, ``192.0.2.1:80``, ``2001:db8::1`` or ``[2001:db8::1]:80``."""
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        address = ip_address(text.partition("%")[0])  # a link-local one names its interface
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return mapped or address
