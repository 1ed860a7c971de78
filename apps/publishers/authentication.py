"""Who is asking: ``Authorization: Bearer ntf_<prefix>_<secret>``."""

import time

from rest_framework.authentication import BaseAuthentication, get_authorization_header
from rest_framework.request import Request

from apps.publishers import keys, selectors, usage
from apps.publishers.problems import Problem
from apps.publishers.selectors import KeySnapshot, PublisherSnapshot


class ApiKeyAuthentication(BaseAuthentication):
    """``request.user`` becomes a ``PublisherSnapshot``, ``request.auth`` a ``KeySnapshot``."""

    def authenticate(self, request: Request) -> tuple[PublisherSnapshot, KeySnapshot]:
        scheme, _, text = get_authorization_header(request).decode("latin-1").partition(" ")
        if not scheme:
            raise _refused("missing-key", "Send your API key as Authorization: Bearer ntf_….")
        parts = keys.split(text.strip()) if scheme.lower() == "bearer" else None
        if parts is None:
            raise _refused(
                "invalid-key", "Send the key as it was printed: Authorization: Bearer ntf_…."
            )
        prefix, secret = parts
        key = selectors.get_key(prefix)
        if key is None or not keys.matches(secret, key.digest):
            raise _refused("invalid-key", "There is no such key. Check it, or have one made.")
        if key.revoked_at is not None:
            raise _refused("revoked-key", f"The key {prefix} was revoked. Use another.")
        if key.expires_at is not None and key.expires_at <= time.time():
            raise _refused("expired-key", f"The key {prefix} has expired. Use another.")
        publisher = selectors.get_publisher(key.publisher_id)
        if publisher is None or not publisher.is_active:
            raise Problem(
                "inactive-publisher", "This publisher was switched off. Ask the operators."
            )
        usage.note(prefix)
        return publisher, key

    def authenticate_header(self, request: Request) -> str:
        return "Bearer"


def _refused(type: str, detail: str) -> Problem:
    error = "" if type == "missing-key" else ' error="invalid_token"'  # RFC 6750, section 3
    return Problem(type, detail, headers={"WWW-Authenticate": f"Bearer{error}"})
