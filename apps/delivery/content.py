"""A notification's content, sealed for the table and opened for sending."""

from dataclasses import asdict
from uuid import UUID

import orjson

from apps.preferences.vault import keyring
from notifier.messages import Content


def seal(notification_id: UUID, content: Content) -> bytes:
    """Encrypt; only the notification of this id can be read with it."""
    return keyring().encrypt(orjson.dumps(asdict(content)), _context(notification_id))


def unseal(notification_id: UUID, stored: bytes) -> Content:
    """The content. Raises ``notifier.crypto.DecryptionError``."""
    plain = keyring().decrypt(bytes(stored), _context(notification_id))
    return Content(**orjson.loads(plain))


def _context(notification_id: UUID) -> bytes:
    return b"notification:" + notification_id.bytes
