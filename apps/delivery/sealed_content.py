"""A notification's content, sealed for the table and opened for sending."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import orjson

from apps.preferences.vault import keyring
from notifier.domain.messages import Content


@dataclass(frozen=True, slots=True)
class TemplateContent:
    """Instead of content: a template's version, and what it is filled in with."""

    version_id: int
    variables: Mapping[str, Any]


def seal(notification_id: UUID, content: Content | TemplateContent) -> bytes:
    """Encrypt; only the notification of this id can be read with it."""
    said = content.variables if isinstance(content, TemplateContent) else content
    return keyring().encrypt(orjson.dumps(said), _context(notification_id))


def unseal(notification_id: UUID, stored: bytes) -> Content:
    """The content. Raises ``notifier.security.crypto.DecryptionError``."""
    return Content(**_open(notification_id, stored))


def unseal_variables(notification_id: UUID, stored: bytes) -> dict[str, Any]:
    """What a template is filled in with. Raises ``notifier.security.crypto.DecryptionError``."""
    return _open(notification_id, stored)


def _open(notification_id: UUID, stored: bytes) -> dict[str, Any]:
    plain = keyring().decrypt(bytes(stored), _context(notification_id))
    found: dict[str, Any] = orjson.loads(plain)
    return found


def _context(notification_id: UUID) -> bytes:
    return b"notification:" + notification_id.bytes
