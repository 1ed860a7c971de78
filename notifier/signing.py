"""Signatures of Standard Webhooks 1.0.0 (https://www.standardwebhooks.com)."""

import base64
import binascii
import hmac

PREFIX = "whsec_"


def signature(secret: str, message_id: str, timestamp: int, body: bytes) -> str:
    """The ``webhook-signature`` of one attempt: ``v1,`` and a base64 HMAC-SHA256.

    ``secret`` is ``whsec_`` and base64; ``timestamp`` is the ``webhook-timestamp``, in unix
    seconds. Raises ``ValueError`` for a secret that is not one.
    """
    try:
        key = base64.b64decode(secret.removeprefix(PREFIX), validate=True)
    except binascii.Error:
        key = b""
    if not key:
        raise ValueError("a webhook's secret is whsec_ and base64")
    signed = b"%s.%d.%s" % (message_id.encode(), timestamp, body)
    return "v1," + base64.b64encode(hmac.digest(key, signed, "sha256")).decode()
