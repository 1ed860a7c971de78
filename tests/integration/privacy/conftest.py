"""Fixtures of personal data: every channel at the sandbox, and a person with marks everywhere."""

from collections.abc import Callable
from typing import Any

import pytest
from rest_framework.test import APIClient

from notifier.security.tokens import sign
from tests.support.deliveries.confirmations import outside
from tests.support.deliveries.signed_receipts import callback
from tests.support.deliveries.signed_replies import Phone, take_replies
from tests.support.fakes.jwks_server import lasting
from tests.support.fixtures.deliveries import *  # noqa: F403
from tests.support.publishers.admin_actions import onlooker, operator
from tests.support.publishers.inboxes import SECRET
from tests.support.publishers.lookups import fresh_lookups

__all__ = ["callback", "fresh_lookups", "onlooker", "operator", "outside"]  # fixtures


@pytest.fixture
def phone(outside, settings):
    """The marked person's phone; replies and receipts are taken."""
    settings.INBOX_TOKENS = {**settings.INBOX_TOKENS, "secret": SECRET}
    take_replies(settings)
    return Phone(settings.PROVIDERS["twilio"]["options"], number="+4366055512345")


class App:
    """Somebody's app, with a token of theirs."""

    def __init__(self, name: str) -> None:
        self.http = APIClient()
        token = sign(lasting({"sub": name}), SECRET)
        self.http.credentials(HTTP_AUTHORIZATION=f"Bearer {token}")

    def acknowledge(self, posted: Any, status: int = 200) -> None:
        answer = self.http.post(f"/v1/notifications/{posted['id']}/acknowledge")
        assert answer.status_code == status, answer.json()


@pytest.fixture
def app(settings: Any) -> Callable[[str], App]:
    """The app of the person of this name."""
    settings.INBOX_TOKENS = {**settings.INBOX_TOKENS, "secret": SECRET}
    return App
