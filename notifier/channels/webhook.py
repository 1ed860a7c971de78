"""Webhooks: addresses are URLs, content is one JSON object."""

from urllib.parse import urlsplit, urlunsplit

import idna
import orjson

from notifier.messages import Content

LONGEST = 2048
PAYLOAD_LIMIT = 20_000  # Standard Webhooks 1.0.0: "less than 20kb"
FRAME = 2_048  # room for ids around the content


class Webhook:
    """``allow_http``: take plain http, too (for a network one owns from end to end)."""

    name = "webhook"

    def __init__(self, *, allow_http: bool = False) -> None:
        self._schemes = ("https", "http") if allow_http else ("https",)

    def parse(self, address: str, platform: str = "") -> str:
        """Where a URL may lead is not decided here but at each connection, since names move."""
        if len(address) > LONGEST:
            raise ValueError(f"A webhook's URL has at most {LONGEST} characters.")
        if not address.isprintable() or any(c in address for c in ' \\"<>'):
            raise ValueError("A webhook's URL has no spaces, backslashes or control characters.")
        try:
            url = urlsplit(address)
            port = url.port
        except ValueError:
            raise ValueError("A webhook's address is a URL: https://example.com/hook.") from None
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
        return urlunsplit((url.scheme, netloc, url.path or "/", url.query, ""))

    def mask(self, address: str) -> str:
        """Without path and query, where people keep secrets."""
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
    if ":" in hostname:
        return f"[{hostname}]"
    if hostname.isascii():
        return hostname.lower()
    try:
        return idna.encode(hostname, uts46=True).decode()
    except idna.IDNAError:
        raise ValueError("The host of a webhook's URL is not a valid domain name.") from None
