"""Sealed content: a notification's content, encrypted for its row and decrypted for sending."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import orjson

from apps.preferences.vault import keyring
from notifier.domain.messages import Content


@dataclass(frozen=True, slots=True)
class TemplateContent:
    """A version of a template in place of content, and the variables to render it with."""

    version_id: int
    variables: Mapping[str, object]


def seal(notification_id: UUID, content: Content | TemplateContent) -> bytes:
    """Encrypt content or variables, bound to the notification of this id."""
    plain = content.variables if isinstance(content, TemplateContent) else content
    return keyring().encrypt(orjson.dumps(plain), context(notification_id))


def unseal(notification_id: UUID, stored: bytes) -> Content:
    """Return the content that ``seal`` encrypted.

    Raises ``notifier.security.crypto.DecryptionError`` where its key is missing.
    """
    return Content(**_open(notification_id, stored))


def unseal_variables(notification_id: UUID, stored: bytes) -> Mapping[str, object]:
    """Return the template variables that ``seal`` encrypted.

    Raises ``notifier.security.crypto.DecryptionError`` where their key is missing.
    """
    return _open(notification_id, stored)


def unseal_json(notification_id: UUID, stored: bytes) -> Mapping[str, Any]:
    """Return what ``seal`` encrypted, content or variables, as JSON has it.

    Raises ``notifier.security.crypto.DecryptionError`` where its key is missing.
    """
    return _open(notification_id, stored)


def _open(notification_id: UUID, stored: bytes) -> dict[str, Any]:
    plain = keyring().decrypt(bytes(stored), context(notification_id))
    found: dict[str, Any] = orjson.loads(plain)
    return found


def context(notification_id: UUID) -> bytes:
    """Return the context in which the content of a notification is encrypted."""
    return b"notification:" + notification_id.bytes
