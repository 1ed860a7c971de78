"""The OpenID provider's discovery document and keys: what they have to say, how long they are used.

Few threads serve log-ins and the API alike, so a provider that does not answer must not hold them
up: one asks it at a time, a failure is remembered for a while, and a document that was read before
is used as long as there is no newer one.
"""

import logging
import threading
import time
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlsplit

import requests
from joserfc.jwk import KeySet

log = logging.getLogger(__name__)

#: Seconds for one request to the provider.
TIMEOUT = 5.0
#: Seconds for which the document is used, and for which a failure to read it is remembered.
FRESH, FAILED = 300.0, 5.0
#: Seconds to wait for another thread that reads the first document.
PATIENCE = 1.0
#: Algorithms that may sign a token. A secret that both sides know may not, nor nothing at all.
ALGORITHMS = {
    *("RS256", "RS384", "RS512", "PS256", "PS384", "PS512"),
    *("ES256", "ES384", "ES512", "EdDSA"),
}
LOOPBACK = ("localhost", "127.0.0.1", "::1")
_NEEDED = ("authorization_endpoint", "token_endpoint", "jwks_uri")
_OPTIONAL = ("userinfo_endpoint",)
SIGNED_BY = "id_token_signing_alg_values_supported"
METHODS = "token_endpoint_auth_methods_supported"


class Unreachable(Exception):
    """The provider does not answer."""


def discover(issuer: str) -> tuple[Mapping[str, Any], Mapping[str, str]]:
    """Return the provider's discovery document, and the headers that it came with.

    Raises ``requests.RequestException``, or ``ValueError`` where it is none.
    """
    path = "/.well-known/openid-configuration"
    answer = requests.get(f"{issuer.rstrip('/')}{path}", timeout=TIMEOUT)
    answer.raise_for_status()
    document = answer.json()
    if not isinstance(document, dict):
        raise ValueError("the discovery document is no JSON object")
    return document, answer.headers


def checked(document: Mapping[str, Any], issuer: str) -> dict[str, Any]:
    """Return what is used of the document: endpoints, algorithms and methods.

    Raises ``ValueError`` with what is wrong.
    """
    if document.get("issuer") != issuer:
        raise ValueError(f"its issuer is {document.get('issuer')!r}")
    used = {name: document[name] for name in _NEEDED + _OPTIONAL if document.get(name) is not None}
    for name in _NEEDED:
        if name not in used:
            raise ValueError(f"it has no {name}")
    for name, url in used.items():
        if not isinstance(url, str) or not _is_secure(url):
            raise ValueError(f"its {name} is no https:// URL: {url!r}")
    allowed = sorted(ALGORITHMS & set(_texts(document, SIGNED_BY, "RS256")))
    if not allowed:  # an empty list would allow the library's own, shared secrets among them
        raise ValueError(f"its {SIGNED_BY} has none of those that are accepted")
    return {**used, SIGNED_BY: allowed, METHODS: _texts(document, METHODS, "client_secret_basic")}


class Documents:
    """The documents that this process has read, by issuer. Threads may share it."""

    def __init__(self) -> None:
        self._asking = threading.Lock()
        self._known: dict[str, tuple[float, dict[str, Any]]] = {}
        self._failed: dict[str, tuple[float, Exception]] = {}

    def get(self, issuer: str) -> dict[str, Any]:
        """Return what is used of an issuer's document.

        Raises ``Unreachable``, or ``ValueError`` for a document that is not accepted.
        """
        read_at, known = self._known.get(issuer, (0.0, None))
        if known is not None and time.monotonic() - read_at < FRESH:
            return known
        if self._asking.acquire(timeout=0.0 if known else PATIENCE):
            try:
                return self._read(issuer)
            finally:
                self._asking.release()
        if known is None:
            raise Unreachable("another thread has been asking it")
        return known

    def _read(self, issuer: str) -> dict[str, Any]:
        read_at, known = self._known.get(issuer, (0.0, None))
        if known is not None and time.monotonic() - read_at < FRESH:  # another thread was faster
            return known
        failed_at, error = self._failed.get(issuer, (0.0, None))
        if error is None or time.monotonic() - failed_at > FAILED:
            error = self._ask(issuer)
        if error is None:
            return self._known[issuer][1]
        if known is None:
            raise error
        return known

    def _ask(self, issuer: str) -> Exception | None:
        """Read the document, or note why it was not; return that."""
        error: Exception
        try:
            document, _ = discover(issuer)
            self._known[issuer] = time.monotonic(), checked(document, issuer)
        except requests.RequestException as found:
            error = Unreachable(type(found).__name__)
        except ValueError as found:
            error = found
        else:
            self._failed.pop(issuer, None)
            return None
        log.warning("the OpenID provider's discovery document is not read: %s", error)
        self._failed[issuer] = time.monotonic(), error
        return error


class Keys:
    """The keys that a provider signs with now, by their URL. Threads may share it.

    A key that is not among them may be new: then they are read again, but not within ``FAILED``
    seconds, since anybody can name a key that there never was.
    """

    def __init__(self) -> None:
        self._asking = threading.Lock()
        self._known: dict[str, tuple[float, KeySet]] = {}
        self._failed: dict[str, float] = {}

    def get(self, url: str, key_id: object, read: Callable[[], Any]) -> KeySet:
        """Return the keys at a URL, with the one of this ``key_id`` if there is one.

        ``read`` returns them as JSON has them. Raises what it raises, and ``Unreachable`` where
        that was so a moment ago, or another thread is reading them.
        """
        if not self._asking.acquire(timeout=PATIENCE):
            raise Unreachable("another thread is reading the keys")
        try:
            now = time.monotonic()
            read_at, keys = self._known.get(url, (0.0, None))
            if keys is not None:
                has_it = any(one.kid == key_id for one in keys.keys)
                if now - read_at < (FRESH if has_it else FAILED):
                    return keys
            if now - self._failed.get(url, -FAILED) < FAILED:
                raise Unreachable("they could not be read a moment ago")
            try:
                keys = KeySet.import_key_set(read())
            except Exception:
                self._failed[url] = time.monotonic()
                raise
            self._known[url] = time.monotonic(), keys
            return keys
        finally:
            self._asking.release()


def _texts(document: Mapping[str, Any], name: str, default: str) -> list[str]:
    found = document.get(name) or [default]
    if not isinstance(found, list) or not all(isinstance(one, str) for one in found):
        raise ValueError(f"its {name} is no list of texts")
    return found


def _is_secure(url: str) -> bool:
    parts = urlsplit(url)
    return bool(parts.hostname) and (
        parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in LOOPBACK)
    )
