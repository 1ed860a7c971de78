"""The format of API keys: ``ntf_<prefix>_<secret>``."""

import hashlib
import hmac
import secrets
from dataclasses import dataclass

_ALPHABET = "abcdefghijkmnpqrstuvwxyz23456789"
PREFIX_LENGTH = 10


@dataclass(frozen=True, slots=True)
class NewKey:
    """A new key. ``text`` is shown once; only ``prefix`` and ``digest`` are stored."""

    prefix: str
    text: str
    digest: bytes


def generate() -> NewKey:
    """Generate a key whose secret has 256 random bits."""
    prefix = "".join(secrets.choice(_ALPHABET) for _ in range(PREFIX_LENGTH))
    secret = secrets.token_urlsafe(32)
    return NewKey(prefix, f"ntf_{prefix}_{secret}", digest(secret))


def split(text: str) -> tuple[str, str] | None:
    """Return a key's prefix and secret, ``None`` if ``text`` does not have the format of a key."""
    parts = text.split("_", 2)
    if len(parts) != 3 or parts[0] != "ntf" or len(parts[1]) != PREFIX_LENGTH or not parts[2]:
        return None
    return parts[1], parts[2]


def digest(secret: str) -> bytes:
    """Return the SHA-256 digest of a secret: strong enough for 256 random bits, and fast."""
    return hashlib.sha256(secret.encode()).digest()


def matches(secret: str, stored: str) -> bool:
    """Return whether ``secret`` has the hexadecimal digest ``stored``, in constant time."""
    return hmac.compare_digest(digest(secret), bytes.fromhex(stored))
