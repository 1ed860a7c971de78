"""Signatures of webhooks, as Standard Webhooks 1.0.0 has them."""

import base64
import binascii
import hmac
import secrets
import time

from notifier_client.cli.exits import UsageError

_PREFIX = "whsec_"


def new_secret() -> str:
    """Return a new secret."""
    return _PREFIX + base64.b64encode(secrets.token_bytes(24)).decode()


def sign(secret: str, message_id: str, body: bytes) -> dict[str, str]:
    """Return the headers of a message that is signed now."""
    timestamp = str(int(time.time()))
    signed = f"{message_id}.{timestamp}.".encode() + body
    digest = hmac.digest(_key(secret), signed, "sha256")
    return {
        "webhook-id": message_id,
        "webhook-timestamp": timestamp,
        "webhook-signature": f"v1,{base64.b64encode(digest).decode()}",
    }


def _key(secret: str) -> bytes:
    try:
        if secret.startswith(_PREFIX):
            return base64.b64decode(secret.removeprefix(_PREFIX), validate=True)
    except binascii.Error:
        pass
    raise UsageError("A --secret is whsec_ and base64, as Notifier shows it once.")
