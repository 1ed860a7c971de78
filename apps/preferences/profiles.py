"""Profiles: recipients' names and attributes, for templates. Encrypted, as content is."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson
from django.db import connection

from apps.preferences.models import Recipient
from apps.preferences.vault import keyring


@dataclass(frozen=True, slots=True)
class Profile:
    """A person as the company describes them: a name to address them by, and any attributes."""

    name: str = ""
    attributes: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class SealedProfile:
    """A profile as it is stored, encrypted for one ``user_id``. ``None`` is none."""

    user_id: str
    name: bytes | None
    attributes: bytes | None

    def open(self) -> Profile:
        """Decrypt it. Raises ``notifier.security.crypto.DecryptionError``."""
        ring = keyring()
        name = ring.decrypt(self.name, name_context(self.user_id)).decode() if self.name else ""
        found: dict[str, Any] = {}
        if self.attributes:
            found = orjson.loads(ring.decrypt(self.attributes, attributes_context(self.user_id)))
        return Profile(name, found)


NO_PROFILE = Profile()


def seal_name(user_id: str, name: str) -> bytes:
    """Encrypt a name for a recipient's row; an empty one is none, and stays empty."""
    if not name:
        return b""
    return keyring().encrypt(name.encode(), name_context(user_id))


def seal_attributes(user_id: str, attributes: Mapping[str, Any]) -> bytes:
    """Encrypt attributes for a recipient's row; without any it stays empty."""
    if not attributes:
        return b""
    return keyring().encrypt(orjson.dumps(attributes), attributes_context(user_id))


def of_row(row: Recipient) -> SealedProfile:
    """Return the profile of a row."""
    name, attributes = row.name, row.attributes
    return SealedProfile(
        row.user_id,
        None if name is None else bytes(name),
        None if attributes is None else bytes(attributes),
    )


def read(user_ids: Collection[str]) -> dict[str, SealedProfile]:
    """Return the profiles of these recipients that have one, by ``user_id``, in one statement."""
    with connection.cursor() as cursor:
        cursor.execute(
            """SELECT user_id, name, attributes FROM preferences_recipient
            WHERE user_id = ANY(%s) AND (name IS NOT NULL OR attributes IS NOT NULL)""",
            [list(user_ids)],
        )
        return {
            user_id: SealedProfile(user_id, _bytes(name), _bytes(attributes))
            for user_id, name, attributes in cursor.fetchall()
        }


def _bytes(stored: memoryview | None) -> bytes | None:
    return None if stored is None else bytes(stored)


def name_context(user_id: str) -> bytes:
    """Return the context in which a recipient's name is encrypted."""
    return b"recipient-name:" + user_id.encode()


def attributes_context(user_id: str) -> bytes:
    """Return the context in which a recipient's attributes are encrypted."""
    return b"recipient-attributes:" + user_id.encode()
