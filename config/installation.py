"""The installation's name: tells it from others at the same providers and receivers."""

import base64
import hmac
from urllib.parse import urlsplit

from django.core.exceptions import ImproperlyConfigured

from notifier.domain.ids.delivery_ids import INSTALLATION


def name(given: str, key: str, public_url: str) -> str:
    """Return ``given``, or a name derived from ``key`` and the host of ``public_url``.

    A staging copy of the database differs in its host; a second installation behind the same host
    differs in its key.

    Raises ``ImproperlyConfigured`` where ``given`` is not 1 to 20 small letters and digits.
    """
    if not given:
        host = urlsplit(public_url).netloc.lower()
        made = hmac.digest(key.encode(), f"installation\0{host}".encode(), "sha256")
        return base64.b32encode(made)[:8].decode().lower()
    if not INSTALLATION.fullmatch(given):
        raise ImproperlyConfigured(
            f"NOTIFIER_INSTALLATION must be 1 to 20 small letters and digits, not {given!r}"
        )
    return given
