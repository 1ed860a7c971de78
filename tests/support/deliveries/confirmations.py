"""Subscriptions that require confirmation, and their requests and links.

``outside``, ``offers`` and ``ask`` are fixtures: a ``conftest.py`` imports them by name.
"""

import re

import pytest
from django.db.models import F
from django.test import Client

from apps.delivery import tasks
from apps.topics.models import ConfirmationSent, Subscription

ADA = {"channel": "email", "address": "ada@example.com"}
SUBSCRIPTIONS = "topics/offers/subscriptions"


@pytest.fixture
def outside(providers, settings):
    """The sandbox, which receives webhooks as well."""
    settings.PROVIDERS["webhook"] = {
        "class": "notifier.providers.webhook.Webhook",
        "channel": "webhook",
        "options": {
            "allowed_networks": ["127.0.0.0/8"],
            "ca_file": providers.config["ca_file"],
            "timeout": 2.0,
        },
    }
    settings.PUBLIC_URL = "https://notify.example.com"
    return providers


@pytest.fixture
def offers(shop):
    """A publisher with a topic that requires confirmation."""
    body = {"name": "offers", "display_name": "The shop's offers", "requires_confirmation": True}
    assert shop.post("topics", body, status=201)["requires_confirmation"] is True
    return shop


@pytest.fixture
def ask(work):
    """Send the confirmation requests that are due, as beat and the workers do."""

    def run() -> None:
        tasks.confirmations.apply(throw=True)
        work()

    return run


def subscribe(shop, request=ADA, topic="offers"):
    """Subscribe; what the API answers about the one subscription."""
    (made,) = shop.post(f"topics/{topic}/subscriptions", request, status=200)["subscriptions"]
    return made


def state_of(shop, made):
    """The state in which the API lists a subscription of ``offers``."""
    rows = shop.get(SUBSCRIPTIONS)["data"]
    return {row["id"]: row["state"] for row in rows}[made["id"]]


def token_in(message):
    """The token of the confirmation link in a message."""
    return re.search(r"https://notify\.example\.com/v1/confirmations/([^\s\"'<>?]+)", str(message))[
        1
    ]


def page(path, method="get", **options):
    """Open the page of a link as a browser does, under CSRF protection."""
    return getattr(Client(enforce_csrf_checks=True), method)(f"/v1/confirmations/{path}", **options)


def confirm(shop, token, status=200):
    """Confirm through the API; the answer's JSON."""
    answer = Client().post("/v1/confirmations", {"token": token}, content_type="application/json")
    assert answer.status_code == status, answer.content
    return answer.json()


def later(by):
    """Move what was sent and what is due back by this much, as if the time had passed."""
    ConfirmationSent.objects.update(sent_at=F("sent_at") - by)
    Subscription.objects.update(confirm_at=F("confirm_at") - by)


def ask_again(shop, made):
    """Have the confirmation request sent again; the HTTP answer."""
    return shop.http.post(f"/v1/{SUBSCRIPTIONS}/{made['id']}/confirmation")
