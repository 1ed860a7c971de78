"""URLs for people to follow: to a page, into an app, to a phone or a mailbox."""

import re
from urllib.parse import urlsplit

LONGEST = 2000
#: RFC 3986 3.1, with two letters at least: schemes of one letter are drives of Windows.
_SCHEME = re.compile(r"([a-z][a-z0-9+.-]+):(.+)", re.IGNORECASE)
#: Characters that no URL has and parsers disagree about (RFC 3986 appendix C, WHATWG's standard).
_ODD = re.compile(r'[\s<>"\\`]')
#: Schemes that run code or access files and networks instead of opening a page or app:
#: https://www.iana.org/assignments/uri-schemes, and those that Chromium and Windows handle.
_REFUSED = frozenset(
    {"javascript", "vbscript", "livescript", "mocha", "data", "blob", "about", "filesystem"}
    | {"view-source", "chrome", "chrome-extension", "edge", "resource", "moz-extension", "jar"}
    | {"file", "ftp", "ftps", "sftp", "smb", "nfs", "afp", "dav", "davs", "gopher", "ldap"}
    | {"ldaps", "telnet", "ssh", "rlogin", "tn3270", "ws", "wss", "dict", "tftp", "finger"}
    | {"intent", "android-app", "content", "mhtml", "res", "its", "mk", "hcp", "search-ms"}
    | {"search", "shell", "cid", "mid", "feed", "wyciwyg"}
)
#: Handlers that Windows and Office register; several have executed what a link contained.
_REFUSED_PREFIXES = ("ms-", "x-javascript")


def check(url: str) -> None:
    """Raise ``ValueError`` for a URL that people cannot or must not follow.

    Its text does not contain the URL.
    """
    if len(url) > LONGEST:
        raise ValueError(f"A URL has at most {LONGEST:,} characters.")
    found = _SCHEME.fullmatch(url)
    if _ODD.search(url) or not url.isprintable() or not found:
        raise ValueError(
            "Write a whole URL without spaces, quotes or invisible characters: "
            "https://example.com/orders/7, tel:+4366012345678 or myapp://orders/7."
        )
    scheme = found[1].lower()
    if scheme in _REFUSED or scheme.startswith(_REFUSED_PREFIXES):
        raise ValueError(
            f"A {scheme}: URL is not for people to follow. Use https, mailto, tel, sms or your "
            "app's own scheme."
        )
    if scheme in ("http", "https") and not _has_host(url):
        raise ValueError("An http or https URL names a host: https://example.com/orders/7.")


def may_be_followed(url: str) -> bool:
    """Return whether ``check`` accepts the URL."""
    try:
        check(url)
    except ValueError:
        return False
    return True


def _has_host(url: str) -> bool:
    try:
        parts = urlsplit(url)
        return bool(parts.netloc and parts.hostname and parts.port != 0)
    except ValueError:  # a port that is not a number, a bracket that is not closed
        return False
