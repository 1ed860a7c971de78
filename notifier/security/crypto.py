"""Encryption at rest for addresses and message bodies.

AES-256-GCM with the key's id in the ciphertext, so that keys can rotate: new rows use the first
key, old rows are read with the key they name. Look-ups by address use a blind index, a keyed hash
that reveals nothing without its key.
"""

import base64
import binascii
import hmac
import os
from collections.abc import Mapping

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

FORMAT = 1
NONCE_BYTES = 12  # as NIST SP 800-38D recommends for GCM
KEY_BYTES = 32
HEADER_BYTES = 3  # one of format, two of key id
INDEX_BYTES = 16  # 128 bits: no accidental collision among 10^12 addresses


class DecryptionError(Exception):
    """The ciphertext is not this service's, was changed, or belongs to another row."""


class UnknownKeyError(DecryptionError):
    """The ciphertext names a key that is not configured; configure it again to read the row."""


class Keyring:
    """The encryption keys by id, and the key of the blind index.

    ``keys``: id (0..65535) -> 32 bytes; the first one encrypts. ``index_key``: 32 bytes; it does
    not rotate, since changing it would make every stored blind index useless.

    Raises ``ValueError`` for a wrong id or length.
    """

    def __init__(self, keys: Mapping[int, bytes], index_key: bytes) -> None:
        check_keys(keys)
        if len(index_key) != KEY_BYTES:
            raise ValueError(f"the blind index key has {len(index_key)} bytes, it needs 32")
        self._ciphers = {key_id: AESGCM(key) for key_id, key in keys.items()}
        primary = next(iter(keys))
        self._primary = self._ciphers[primary]
        self._header = bytes([FORMAT]) + primary.to_bytes(2, "big")
        self._index_key = index_key
        #: The id of the key that encrypts.
        self.present = primary

    @classmethod
    def parse(cls, keys: str, index_key: str) -> "Keyring":
        """Parse ``"2:<base64>,1:<base64>"`` and a base64 index key, as settings contain them.

        Raises ``ValueError`` with a text that contains no key.
        """
        return cls(parse_keys(keys), _decode(index_key, "the blind index key"))

    @property
    def header(self) -> bytes:
        """Return the bytes with which all that is encrypted now begins: its format and key."""
        return self._header

    def encrypt(self, plain: bytes, context: bytes) -> bytes:
        """Encrypt for one place: ``context`` names table and row, and is needed to decrypt."""
        nonce = os.urandom(NONCE_BYTES)
        return self._header + nonce + self._primary.encrypt(nonce, plain, context)

    def decrypt(self, stored: bytes, context: bytes) -> bytes:
        """Decrypt. Raises ``DecryptionError``, or ``UnknownKeyError`` if its key is missing."""
        if len(stored) < HEADER_BYTES + NONCE_BYTES or stored[0] != FORMAT:
            raise DecryptionError("not a ciphertext of this service")
        key_id = key_of(stored)
        cipher = self._ciphers.get(key_id)
        if cipher is None:
            raise UnknownKeyError(f"encryption key {key_id} is not configured")
        nonce_end = HEADER_BYTES + NONCE_BYTES
        try:
            return cipher.decrypt(stored[HEADER_BYTES:nonce_end], stored[nonce_end:], context)
        except InvalidTag:
            raise DecryptionError("the ciphertext was changed or belongs to another row") from None

    def blind_index(self, kind: str, value: str) -> bytes:
        """Return 16 bytes by which ``value`` can be found without storing it in clear."""
        return hmac.digest(self._index_key, f"{kind}\0{value}".encode(), "sha256")[:INDEX_BYTES]


def key_of(stored: bytes) -> int:
    """Return the id of the key that a ciphertext names."""
    return int.from_bytes(stored[1:HEADER_BYTES], "big")


def parse_keys(keys: str) -> dict[int, bytes]:
    """Parse ``"2:<base64>,1:<base64>"``; the first key is the one that is used for what is new.

    Raises ``ValueError`` with a text that contains no key.
    """
    found: dict[int, bytes] = {}
    for entry in keys.split(","):
        key_id, colon, encoded = entry.strip().partition(":")
        if not colon or not key_id.isdecimal():
            raise ValueError('encryption keys are written "<id>:<base64 of 32 bytes>,…"')
        found[int(key_id)] = _decode(encoded, f"encryption key {key_id}")
    return found


def check_keys(keys: Mapping[int, bytes]) -> None:
    """Raise ``ValueError`` where there is no key, or one of a wrong id or length."""
    if not keys:
        raise ValueError("at least one encryption key is needed")
    for key_id, key in keys.items():
        if not 0 <= key_id <= 0xFFFF:
            raise ValueError(f"encryption key id {key_id} is not in 0..65535")
        if len(key) != KEY_BYTES:
            raise ValueError(f"encryption key {key_id} has {len(key)} bytes, it needs 32")


def _decode(encoded: str, what: str) -> bytes:
    try:
        return base64.b64decode(encoded, validate=True)
    except (binascii.Error, ValueError):
        raise ValueError(f"{what} is not base64") from None
