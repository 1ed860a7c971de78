"""Fixtures of status webhooks: a receiver, and a worker beside the request."""

import pytest

from apps.delivery.outbox.queues import Queue
from apps.delivery.sending import process
from apps.delivery.status_webhooks import health as webhook_health
from notifier.domain.priorities import Priority
from tests.support.publishers.lookups import fresh_lookups

__all__ = ["fresh_lookups"]  # a fixture


@pytest.fixture
def outside(providers, settings):
    """The sandbox, which receives webhooks as well; email is not tried again."""
    settings.PROVIDERS["webhook"] = {
        "class": "notifier.providers.webhook.Webhook",
        "channel": "webhook",
        "options": {
            "allowed_networks": ["127.0.0.0/8"],
            "ca_file": providers.config["ca_file"],
            "timeout": 2.0,
        },
    }
    settings.RETRY_SCHEDULES = {**settings.RETRY_SCHEDULES, "email": ()}
    return providers


@pytest.fixture
def working(monkeypatch):
    """A worker beside the request, which waits up to 30 s for it."""
    monkeypatch.setattr(webhook_health, "WAIT", 30.0)
    process.attend([Queue("webhook", priority) for priority in Priority])
    yield
    process.close()
