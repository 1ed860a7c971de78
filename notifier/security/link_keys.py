"""Sealed tokens for links that people get in messages and open without logging in.

A token says what its link is about to this service and nothing to anybody else: it is encrypted by
AES-256-SIV (RFC 5297), whose 128-bit tag nobody guesses. SIV needs no random bits, so that a key
seals any number of tokens, and the same link twice is the same token. The keys are derived from
encryption keys, so that a year of links does not wear out a key of what is stored.
"""

import base64
import binascii
from collections.abc import Mapping

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESSIV
from cryptography.hazmat.primitives.hashes import SHA512
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from notifier.security.crypto import check_keys, parse_keys

#: Separates these keys from any others that are derived from the same ones.
PURPOSE = b"notifier: links in messages, 1"
DERIVED_BYTES = 64  # two keys of AES-256
ID_BYTES = 2
TAG_BYTES = 16


class InvalidToken(Exception):
    """The token was not sealed with any of the keys, or was cut short."""


class LinkKeys:
    """Keys of links by id (0..65535), 32 bytes each: the first one seals, all of them open.

    Raises ``ValueError`` for a wrong id or length.
    """

    def __init__(self, keys: Mapping[int, bytes]) -> None:
        check_keys(keys)
        self._ciphers = {
            key_id.to_bytes(ID_BYTES, "big"): AESSIV(_derived(key)) for key_id, key in keys.items()
        }
        self._id, self._primary = next(iter(self._ciphers.items()))
        self._with_id = [self._id]

    @classmethod
    def parse(cls, keys: str) -> "LinkKeys":
        """Parse ``"2:<base64>,1:<base64>"``. Raises ``ValueError`` without the value."""
        return cls(parse_keys(keys))

    def seal(self, plain: bytes) -> str:
        """Return a token for ``plain``: 4/3 of its length and 24 characters, URL-safe."""
        sealed = self._id + self._primary.encrypt(plain, self._with_id)
        return base64.urlsafe_b64encode(sealed).rstrip(b"=").decode("ascii")

    def open(self, token: str) -> bytes:
        """Return what was sealed. Raises ``InvalidToken``."""
        try:
            sealed = base64.b64decode(token + "=" * (-len(token) % 4), b"-_", validate=True)
        except (binascii.Error, ValueError):
            raise InvalidToken("not base64") from None
        key_id = sealed[:ID_BYTES]
        cipher = self._ciphers.get(key_id)
        if cipher is None or len(sealed) <= ID_BYTES + TAG_BYTES:
            raise InvalidToken("sealed with no key of these")
        try:
            return cipher.decrypt(sealed[ID_BYTES:], [key_id])
        except InvalidTag:
            raise InvalidToken("changed or made up") from None


def _derived(key: bytes) -> bytes:
    return HKDF(algorithm=SHA512(), length=DERIVED_BYTES, salt=None, info=PURPOSE).derive(key)
