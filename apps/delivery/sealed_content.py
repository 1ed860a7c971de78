"""Sealed content: a notification's content, encrypted for its row and decrypted for sending."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import orjson

from apps.preferences.vault import keyring
from notifier.domain.messages import Content, InboxAttributes


@dataclass(frozen=True, slots=True)
class TemplateContent:
    """A version of a template in place of content, and the variables to render it with.

    ``inbox``: what was posted beside it, where that is not the default.
    """

    version_id: int
    variables: Mapping[str, object]
    inbox: InboxAttributes | None = None


def seal(notification_id: UUID, content: Content | TemplateContent) -> bytes:
    """Encrypt content or variables, bound to the notification of this id.

    Variables are a JSON object or, with attributes for the inbox, a list of the two.
    """
    plain: object = content
    if isinstance(content, TemplateContent):
        plain = [content.variables, content.inbox] if content.inbox else content.variables
    return keyring().encrypt(orjson.dumps(plain), context(notification_id))


def unseal(notification_id: UUID, stored: bytes) -> Content:
    """Return the content that ``seal`` encrypted.

    Raises ``notifier.security.crypto.DecryptionError`` where its key is missing.
    """
    return Content(**_open(notification_id, stored))


def unseal_template(notification_id: UUID, version_id: int, stored: bytes) -> TemplateContent:
    """Return what ``seal`` encrypted of a template in this version.

    Raises ``notifier.security.crypto.DecryptionError`` where its key is missing.
    """
    found = _open(notification_id, stored)
    if isinstance(found, list):
        variables, inbox = found
        return TemplateContent(version_id, variables, InboxAttributes(**inbox))
    return TemplateContent(version_id, found)


def unseal_json(notification_id: UUID, stored: bytes) -> Mapping[str, Any]:
    """Return content that ``seal`` encrypted, as JSON has it.

    Raises ``notifier.security.crypto.DecryptionError`` where its key is missing.
    """
    found: dict[str, Any] = _open(notification_id, stored)
    return found


def _open(notification_id: UUID, stored: bytes) -> Any:
    return orjson.loads(keyring().decrypt(bytes(stored), context(notification_id)))


def context(notification_id: UUID) -> bytes:
    """Return the context in which the content of a notification is encrypted."""
    return b"notification:" + notification_id.bytes
