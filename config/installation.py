"""What this installation is called where others know several."""

import base64
import hmac
from urllib.parse import urlsplit

from django.core.exceptions import ImproperlyConfigured

from notifier.domain.delivery_ids import INSTALLATION


def name(given: str, key: str, public_url: str) -> str:
    """The name that is given, or one made of ``key`` and of the host of ``public_url``.

    A copy of the database that serves as staging differs in its host, and a second installation
    behind the same host in its key.
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
