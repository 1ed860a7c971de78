"""Signatures as the reference implementation of Standard Webhooks checks them."""

import time

import pytest
from standardwebhooks import Webhook
from standardwebhooks.webhooks import WebhookVerificationError

from notifier.security.signing import signature

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


def headers(body: bytes) -> dict[str, str]:
    now = int(time.time())
    return {
        "webhook-id": "d_1",
        "webhook-timestamp": str(now),
        "webhook-signature": signature(SECRET, "d_1", now, body),
    }


def test_the_reference_implementation_accepts_a_signature() -> None:
    body = '{"title":"Grüße 🎉"}'.encode()
    assert Webhook(SECRET).verify(body, headers(body)) == {"title": "Grüße 🎉"}


def test_the_reference_implementation_refuses_another_body() -> None:
    with pytest.raises(WebhookVerificationError):
        Webhook(SECRET).verify(b"{}", headers(b'{"a":1}'))


@pytest.mark.parametrize("secret", ["", "whsec_", "whsec_not base64", "whsec_a"])
def test_a_secret_that_is_none_is_an_error_that_does_not_quote_it(secret: str) -> None:
    with pytest.raises(ValueError, match="whsec_ and base64"):
        signature(secret, "d_1", 1, b"")
