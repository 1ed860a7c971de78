"""Signatures of Standard Webhooks 1.0.0 (https://www.standardwebhooks.com)."""

import base64
import hmac
from collections.abc import Iterable

PREFIX = "whsec_"
SHORTEST, LONGEST = 24, 64


def check_secret(secret: str) -> None:
    """Raise ``ValueError`` unless it is ``whsec_`` and the padded base64 of 24 to 64 bytes.

    Some receivers' libraries cannot read base64 without its padding.
    """
    if not (secret.startswith(PREFIX) and SHORTEST <= len(_key(secret)) <= LONGEST):
        raise ValueError(
            f"Write whsec_ and the base64 (padded with =) of {SHORTEST} to {LONGEST} random bytes."
        )


def _key(secret: str) -> bytes:
    """Return the signing key; empty where the secret cannot be decoded."""
    try:
        return base64.b64decode(secret.removeprefix(PREFIX), validate=True)
    except ValueError:  # no base64, or characters that are not ASCII
        return b""


def signatures(secrets: Iterable[str], message_id: str, timestamp: int, body: bytes) -> str:
    """Return an attempt's ``webhook-signature``: one of each secret; a receiver knows one."""
    return " ".join(signature(secret, message_id, timestamp, body) for secret in secrets)


def signature(secret: str, message_id: str, timestamp: int, body: bytes) -> str:
    """Sign one attempt: ``v1,`` and a base64 HMAC-SHA256.

    ``timestamp``: the ``webhook-timestamp`` in unix seconds. Raises ``ValueError`` for a secret
    that is not ``whsec_`` and base64.
    """
    key = _key(secret)
    if not key:
        raise ValueError("a webhook's secret is whsec_ and base64")
    signed = b"%s.%d.%s" % (message_id.encode(), timestamp, body)
    return "v1," + base64.b64encode(hmac.digest(key, signed, "sha256")).decode()
