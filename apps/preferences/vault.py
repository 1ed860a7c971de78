"""Encryption of addresses and secrets at rest: this module alone encrypts and decrypts them.

An address is encrypted in the context of its blind index, so that a ciphertext copied to another
row cannot be decrypted.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from apps.core.keyring import keyring as keyring  # the apps above have it from here
from apps.preferences.channels import get_channel


@dataclass(frozen=True, slots=True)
class Sealed:
    """An address as it is stored: its ciphertext, its blind index, and as people may see it."""

    ciphertext: bytes
    index: bytes
    masked: str


def address_context(address_index: bytes) -> bytes:
    """Return the context in which a contact's address is encrypted."""
    return b"contact:" + address_index


def secret_context(address_index: bytes) -> bytes:
    """Return the context in which a webhook's signing secrets are encrypted."""
    return b"secret:" + address_index


def index_of(channel: str, address: str) -> bytes:
    """Return the blind index of an address, the same for every spelling.

    ``address`` is as its channel's ``parse`` returned it.
    """
    return keyring().blind_index(channel, get_channel(channel).fold(address))


def seal(channel: str, address: str) -> Sealed:
    """Encrypt an address, as its channel's ``parse`` returned it."""
    ring, kind = keyring(), get_channel(channel)
    index = ring.blind_index(channel, kind.fold(address))
    return Sealed(ring.encrypt(address.encode(), address_context(index)), index, kind.mask(address))


def open(ciphertext: bytes, address_index: bytes) -> str:
    """Decrypt an address. Raises ``notifier.security.crypto.DecryptionError``."""
    return keyring().decrypt(ciphertext, address_context(address_index)).decode()


def open_contact(
    address: memoryview,
    address_index: memoryview,
    secret: memoryview | None,
    former_secrets: Sequence[memoryview] | None,
) -> tuple[str, str, Sequence[str]]:
    """Return the address, signing secret and former secrets of a contact; what is null is empty.

    Takes the columns as the database returns them. Raises
    ``notifier.security.crypto.DecryptionError``.
    """
    index = bytes(address_index)
    return (
        keyring().decrypt(bytes(address), address_context(index)).decode(),
        open_secret(bytes(secret), index) if secret else "",
        [open_secret(bytes(one), index) for one in former_secrets] if former_secrets else (),
    )


def seal_secret(secret: str, address_index: bytes) -> bytes:
    """Encrypt a webhook's signing secret."""
    return keyring().encrypt(secret.encode(), secret_context(address_index))


def open_secret(ciphertext: bytes, address_index: bytes) -> str:
    """Decrypt a signing secret. Raises ``notifier.security.crypto.DecryptionError``."""
    return keyring().decrypt(ciphertext, secret_context(address_index)).decode()
