"""The installation's encryption keys."""

from functools import cache

from django.conf import settings

from notifier.security.crypto import Keyring


@cache
def keyring() -> Keyring:
    """Return this installation's encryption keys."""
    return Keyring.parse(settings.ENCRYPTION_KEYS, settings.BLIND_INDEX_KEY)
