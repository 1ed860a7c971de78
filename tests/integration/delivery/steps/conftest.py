"""Providers that accept everything, people's own apps, and time that passes at once."""

import pytest
from rest_framework.test import APIClient

from notifier.domain.outcomes import Accepted
from notifier.security.tokens import sign
from tests.support.fakes.jwks_server import lasting
from tests.support.fakes.scripted_provider import Scripted
from tests.support.publishers.inboxes import SECRET
from tests.support.publishers.people import recipient

TAKEN = Accepted("id")


class Push(Scripted):
    calls: list[str] = []


class Texts(Scripted):
    calls: list[str] = []


class Mails(Scripted):
    calls: list[str] = []


@pytest.fixture(autouse=True)
def carriers(settings):
    """Providers of push, SMS and email that accept everything unless a test says otherwise."""
    settings.INBOX_TOKENS = {**settings.INBOX_TOKENS, "secret": SECRET}
    settings.PROVIDERS = {
        "fcm": {"class": f"{__name__}.Push", "channel": "push"},
        "twilio": {"class": f"{__name__}.Texts", "channel": "sms"},
        "smtp": {"class": f"{__name__}.Mails", "channel": "email"},
        "inbox": settings.PROVIDERS["inbox"],
    }
    for kind in (Push, Texts, Mails):
        kind.calls, kind.answer = [], staticmethod(lambda message: TAKEN)


@pytest.fixture
def people():
    """Make people with an inbox, a device, a phone and a mailbox."""

    def make(*names):
        return [
            recipient(
                name,
                push_android=f"token-{name}",
                sms=f"+4366012345{number:03}",
                email=f"{name}@example.com",
            )
            for number, name in enumerate(names)
        ]

    return make


class App:
    """Somebody's app, with a token of theirs."""

    def __init__(self, name):
        self.http = APIClient()
        token = sign(lasting({"sub": name}), SECRET)
        self.http.credentials(HTTP_AUTHORIZATION=f"Bearer {token}")

    def mark(self, status):
        answer = self.http.post("/v1/inbox/status", {"all": True, "status": status}, format="json")
        assert answer.status_code == 200, answer.json()
        return answer.json()

    def acknowledge(self, posted, status=200):
        answer = self.http.post(f"/v1/notifications/{posted['id']}/acknowledge")
        assert answer.status_code == status, answer.json()
        return answer.json()


@pytest.fixture
def app():
    """The app of the person of this name."""
    return App
