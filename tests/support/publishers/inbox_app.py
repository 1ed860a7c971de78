"""``ada``, a fixture: her app's HTTP client, with a token of hers."""

from typing import Any

import pytest
from rest_framework.test import APIClient

from notifier.security.tokens import sign
from tests.support.fakes.jwks_server import lasting
from tests.support.publishers.people import recipient
from tests.support.publishers.shop import Shop

SECRET = "0123456789abcdef0123456789abcdef"


@pytest.fixture
def ada(shop: Shop, settings: Any) -> APIClient:
    """The HTTP client of ada's app."""
    recipient("ada")
    settings.INBOX_TOKENS = {**settings.INBOX_TOKENS, "secret": SECRET}
    http = APIClient()
    token = sign(lasting({"sub": "ada"}), SECRET)
    http.credentials(HTTP_AUTHORIZATION=f"Bearer {token}")
    return http
