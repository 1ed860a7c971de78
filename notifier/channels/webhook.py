"""Webhooks: addresses are URLs, content is one JSON object."""

import ipaddress
import re
from urllib.parse import urlsplit, urlunsplit

import idna
import orjson
from pyreqwest.http import Url

from notifier.domain.messages import Content

LONGEST = 2048
LONGEST_HOST, LONGEST_LABEL = 253, 63  # RFC 1035 2.3.4, as text
PAYLOAD_LIMIT = 20_000  # Standard Webhooks 1.0.0: "less than 20kb"
FRAME = 2_048  # bytes reserved for the ids around the content
#: Host names, underscores included, which are not valid but used in some.
HOST = re.compile(r"[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?(\.[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?)*")


class Webhook:
    """The webhook channel. ``allow_http``: accept ``http://`` too, for a wholly owned network."""

    name = "webhook"

    def __init__(self, *, allow_http: bool = False) -> None:
        self._schemes = ("https", "http") if allow_http else ("https",)

    def parse(self, address: str, platform: str = "") -> str:
        """Return the URL in its normal form.

        Whether it may be reached is decided at each connection, since names can change address.
        """
        if len(address) > LONGEST:
            raise ValueError(f"A webhook's URL has at most {LONGEST} characters.")
        if not address.isprintable() or any(c in address for c in ' \\"<>'):
            raise ValueError("A webhook's URL has no spaces, backslashes or control characters.")
        try:
            url = urlsplit(address)
            port = url.port
        except ValueError:
            raise ValueError("A webhook's address is a URL: https://example.com/hook.") from None
        if port == 0:
            raise ValueError("A webhook's URL has a port from 1 to 65535, or none.")
        if url.scheme not in self._schemes or not url.hostname:
            wanted = " or ".join(f"{scheme}://" for scheme in self._schemes)
            raise ValueError(f"A webhook's URL begins with {wanted} and a host.")
        if url.username is not None or url.password is not None:
            raise ValueError("A webhook's URL has no user name or password; use the signature.")
        if url.fragment or address.endswith("#"):
            raise ValueError("A webhook's URL has no fragment (#…).")
        host = _host(url.hostname)
        default = {"https": 443, "http": 80}[url.scheme]
        netloc = host if port in (None, default) else f"{host}:{port}"
        parsed = urlunsplit((url.scheme, netloc, url.path or "/", url.query, ""))
        try:
            Url(parsed)  # the parser that is used when something is sent
        except ValueError:
            raise ValueError("The host of a webhook's URL is not a valid one.") from None
        return parsed

    def fold(self, address: str) -> str:
        return address

    def mask(self, address: str) -> str:
        """Return the URL without path and query, which may contain secrets."""
        url = urlsplit(address)
        return f"{url.scheme}://{url.netloc}/•••"

    def check(self, content: Content) -> None:
        size = len(orjson.dumps([content.title, content.body, content.data, content.actions]))
        limit = PAYLOAD_LIMIT - FRAME
        if size > limit:
            raise ValueError(
                f"content is too large for a webhook: title, body, data and actions make {size} "
                f"bytes, at most {limit} are allowed."
            )


def _host(hostname: str) -> str:
    """Return the host in its normal form. Raises ``ValueError``."""
    try:
        if ":" in hostname and "%" not in hostname:
            return f"[{ipaddress.IPv6Address(hostname)}]"
        host = (
            hostname.lower() if hostname.isascii() else idna.encode(hostname, uts46=True).decode()
        )
    except ValueError:
        host = ""
    if (
        not HOST.fullmatch(host)
        or len(host) > LONGEST_HOST
        or max(map(len, host.split("."))) > LONGEST_LABEL
    ):
        raise ValueError(
            "The host of a webhook's URL is a domain name or an IP address, without a dot at its "
            "end: example.com."
        )
    return host
