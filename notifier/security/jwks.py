"""JSON Web Key Sets (RFC 7517): the public keys that verify another service's tokens."""

import logging
import ssl
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from urllib.request import url2pathname

import jwt
import orjson
import urllib3

log = logging.getLogger(__name__)

#: The only algorithm that a key of each type and curve verifies. A symmetric key (``oct``) does not
#: belong in a public set, and a token never chooses the algorithm that a key verifies.
ALGORITHMS = {("RSA", None): "RS256", ("EC", "P-256"): "ES256", ("OKP", "Ed25519"): "EdDSA"}

#: Seconds until a set is requested again.
FRESH = 300.0
#: Least seconds between two requests, whatever key ids tokens invent.
PAUSE = 10.0
#: Seconds for one request.
TIMEOUT = 5.0
#: Most bytes of a set.
LONGEST = 256 * 1024

#: Returns the set's JSON. Raises ``OSError``, ``urllib3.exceptions.HTTPError`` or ``ValueError``.
Source = Callable[[], bytes]


class UnknownKey(Exception):
    """The key set has no such key."""


class KeysUnavailable(Exception):
    """The key set cannot be read now, and no key that was read before fits."""


class KeySet:
    """The keys of ``source``, read when first needed and every ``FRESH`` seconds after.

    For an unknown key the source is read again, at most once in ``PAUSE`` seconds. While the source
    fails, the keys it returned last stay valid. ``clock``: monotonic seconds.
    """

    def __init__(self, source: Source, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._source = source
        self._clock = clock
        self._keys: list[jwt.PyJWK] = []
        self._failed = False
        self._fresh_until = self._next_try = clock()
        self._lock = threading.Lock()

    def find(self, algorithm: str, key_id: str | None) -> jwt.PyJWK:
        """Return the key of this id that verifies ``algorithm``; without an id, the only one.

        Raises ``UnknownKey`` or ``KeysUnavailable``. Waits for the source, at most ``TIMEOUT``
        seconds, only where the key is not known. Where other keys are known, only one caller at a
        time waits and the others get ``KeysUnavailable``, so that invented ids block one thread.
        """
        key = self._known(algorithm, key_id)
        if key is not None:
            if self._clock() >= max(self._fresh_until, self._next_try):
                threading.Thread(target=self._refresh, name="jwks", daemon=True).start()
            return key
        asked = self._refresh()
        key = self._known(algorithm, key_id)
        if key is not None:
            return key
        raise UnknownKey if asked and not self._failed else KeysUnavailable

    def _known(self, algorithm: str, key_id: str | None) -> jwt.PyJWK | None:
        fitting = [
            key
            for key in self._keys
            if key.algorithm_name == algorithm and key_id in (None, key.key_id)
        ]
        return fitting[0] if len(fitting) == 1 else None

    def _refresh(self) -> bool:
        """Read the source if ``PAUSE`` is over; return false where another thread is doing so."""
        if not self._lock.acquire(timeout=0 if self._keys else TIMEOUT):
            return False
        try:
            if self._clock() >= self._next_try:
                self._next_try = self._clock() + PAUSE
                self._load()
        finally:
            self._lock.release()
        return True

    def _load(self) -> None:
        try:
            self._keys = parse(self._source())
        except (OSError, urllib3.exceptions.HTTPError, ValueError) as error:
            self._failed = True
            log.warning("the keys that verify tokens cannot be read: %s", type(error).__name__)
            return
        self._failed = False
        self._fresh_until = self._clock() + FRESH


def parse(text: bytes) -> list[jwt.PyJWK]:
    """Return the set's keys that verify one of ``ALGORITHMS``.

    Other keys are ignored, as RFC 7517 5 demands. Raises ``ValueError`` for anything but a key set.
    """
    read = orjson.loads(text)
    keys = read.get("keys") if isinstance(read, dict) else None
    if not isinstance(keys, list):
        raise ValueError("a key set is an object with a list of keys")
    return [key for key in map(_key, keys) if key is not None]


def _key(member: Any) -> jwt.PyJWK | None:
    if not isinstance(member, Mapping):
        return None
    kind, curve = member.get("kty"), member.get("crv")
    if not isinstance(kind, str) or not isinstance(curve, str | None):
        return None
    algorithm = ALGORITHMS.get((kind, curve))
    operations = member.get("key_ops", ["verify"])
    if (
        algorithm is None
        or member.get("alg", algorithm) != algorithm
        or member.get("use", "sig") != "sig"
        or not (isinstance(operations, list) and "verify" in operations)
        or "d" in member  # a private key that somebody published
    ):
        return None
    try:
        return jwt.PyJWK(dict(member), algorithm)
    except (jwt.PyJWTError, ValueError, TypeError):
        return None


def source(url: str) -> Source:
    """Return a source that reads an ``https://``, ``http://`` or ``file://`` URL.

    Redirects are not followed: a server that can only redirect must not choose the keys. Raises
    ``ValueError`` for another URL.
    """
    parts = urlsplit(url)
    if parts.scheme == "file":
        path = Path(url2pathname(parts.path))
        return path.read_bytes
    if parts.scheme not in ("https", "http") or not parts.hostname:
        raise ValueError(f"a key set's URL begins with https:// or file:///, not {url!r}")
    return lambda: _fetch(url)


def _fetch(url: str) -> bytes:
    deadline = time.monotonic() + TIMEOUT
    with urllib3.PoolManager(ssl_context=ssl.create_default_context()) as pool:
        answer = pool.request(
            "GET",
            url,
            headers={"Accept": "application/json"},
            timeout=urllib3.Timeout(total=TIMEOUT),
            retries=False,
            redirect=False,
            preload_content=False,
        )
        if answer.status != 200:
            raise ValueError(f"the key set was answered with {answer.status}")
        body = b""
        while part := answer.read1(LONGEST):
            body += part
            if len(body) > LONGEST or time.monotonic() > deadline:
                raise ValueError("the key set is too long, or too long in coming")
        return body
