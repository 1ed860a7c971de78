"""Verification of JSON Web Tokens (RFC 7519) that others sign.

Tokens are verified by a secret (HS256) or a set of public keys (RS256, ES256, EdDSA). The
configuration decides which, never the token: a public key is never used as a secret, and a token
without a signature is invalid (RFC 8725).
"""

import math
import time
from collections.abc import Callable, Mapping
from typing import Any

import jwt

from notifier.security.jwks import ALGORITHMS, KeySet, KeysUnavailable, UnknownKey

__all__ = ["ExpiredToken", "InvalidToken", "KeysUnavailable", "Verifier", "sign"]

#: Seconds by which two clocks may differ.
LEEWAY = 30
#: Bytes; as long as the hash (RFC 7518 3.2).
SHORTEST_SECRET = 32
LONGEST_TOKEN = 8192


class InvalidToken(Exception):
    """The token is invalid. The message is a sentence for its sender."""


class ExpiredToken(InvalidToken):
    """The token was valid and has expired."""


class Verifier:
    """A verifier of one issuer's tokens.

    ``secret``: for HS256, at least 32 bytes. ``keys``: for the other algorithms. Tokens of a kind
    that is not given are refused. ``issuer``, ``audience``: where given, they must equal ``iss``
    and be in ``aud``. ``longest``: most seconds from ``iat`` to ``exp``. ``clock``: unix seconds.

    Raises ``ValueError`` for a secret that is too short.
    """

    def __init__(
        self,
        *,
        secret: str = "",
        keys: KeySet | None = None,
        issuer: str = "",
        audience: str = "",
        longest: float = math.inf,
        clock: Callable[[], float] = time.time,
    ) -> None:
        if secret and len(secret.encode()) < SHORTEST_SECRET:
            raise ValueError(f"a secret for tokens has at least {SHORTEST_SECRET} bytes")
        self._secret = secret
        self._keys = keys
        self._issuer = issuer
        self._audience = audience
        self._longest = longest
        self._clock = clock

    def verify(self, token: str) -> Mapping[str, Any]:
        """Verify a token and return its claims.

        Raises ``InvalidToken``, ``ExpiredToken``, or ``KeysUnavailable`` where the key set that
        could verify it cannot be read.
        """
        claims = self._signed(token)
        self._check_times(claims)
        if self._issuer and claims.get("iss") != self._issuer:
            raise InvalidToken("The token's iss is not the issuer that is trusted here.")
        if self._audience and self._audience not in _listed(claims.get("aud")):
            raise InvalidToken("The token's aud does not name this service.")
        return claims

    def _signed(self, token: str) -> dict[str, Any]:
        if len(token) > LONGEST_TOKEN:
            raise InvalidToken(f"A token has at most {LONGEST_TOKEN} characters.")
        try:
            header = jwt.get_unverified_header(token)
        except (jwt.PyJWTError, ValueError):
            raise InvalidToken("This is not a JSON Web Token.") from None
        algorithm = str(header.get("alg"))
        key: Any
        if self._secret and algorithm == "HS256":
            key = self._secret
        elif self._keys is not None and algorithm in ALGORITHMS.values():
            key = self._public_key(self._keys, algorithm, header.get("kid"))
        else:
            accepted = (["HS256"] if self._secret else []) + (
                [*ALGORITHMS.values()] if self._keys else []
            )
            raise InvalidToken(f"The token must be signed by {' or '.join(accepted)}.")
        try:
            return jwt.decode(token, key, algorithms=[algorithm], options=_SIGNATURE_ONLY)
        except (jwt.PyJWTError, ValueError):
            raise InvalidToken("The token's signature is not right.") from None

    def _public_key(self, keys: KeySet, algorithm: str, key_id: str | None) -> jwt.PyJWK:
        try:
            return keys.find(algorithm, key_id)
        except UnknownKey:
            raise InvalidToken("The token is signed with a key that is not known here.") from None

    def _check_times(self, claims: Mapping[str, Any]) -> None:
        now = self._clock()
        expires = _seconds(claims, "exp")
        if expires is None:
            raise InvalidToken("The token must say when it expires (exp).")
        if expires <= now - LEEWAY:
            raise ExpiredToken("The token has expired. Get a new one.")
        issued = _seconds(claims, "iat")
        for start in (issued, _seconds(claims, "nbf")):
            if start is not None and start > now + LEEWAY:
                raise InvalidToken("The token is not valid yet. Compare the clocks.")
        if expires - (now if issued is None else issued) > self._longest + LEEWAY:
            raise InvalidToken(f"A token may live for {self._longest:g} seconds at most (exp).")


def sign(claims: Mapping[str, Any], secret: str) -> str:
    """Sign claims by HS256 and return the token."""
    return jwt.encode(dict(claims), secret, "HS256")


#: PyJWT checks the signature alone; claims are checked here, more strictly: a time is a number.
_SIGNATURE_ONLY: Any = {
    "verify_signature": True,
    "enforce_minimum_key_length": True,
    "require": [],
    **dict.fromkeys(
        [f"verify_{name}" for name in ("exp", "nbf", "iat", "aud", "iss", "sub", "jti")], False
    ),
}


def _seconds(claims: Mapping[str, Any], name: str) -> float | None:
    """Return a time claim (NumericDate), ``None`` where there is none. Raises ``InvalidToken``."""
    value = claims.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) < 1e12:
        raise InvalidToken(f"The token's {name} must be a number of unix seconds.")
    return float(value)


def _listed(audience: Any) -> list[Any]:
    return audience if isinstance(audience, list) else [audience]
