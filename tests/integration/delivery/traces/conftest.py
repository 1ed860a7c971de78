"""Fixtures of traces: a collector, and the providers at the sandbox."""

import os

import pytest

from notifier.domain.outcomes import Accepted
from tests.integration.delivery.status_webhooks.conftest import fresh_lookups, outside
from tests.support.deliveries.signed_receipts import callback
from tests.support.fakes.otlp_collector import collector
from tests.support.fakes.scripted_provider import Scripted

__all__ = ["callback", "collector", "fresh_lookups", "outside"]  # fixtures


class Texts(Scripted):
    calls: list[str] = []


@pytest.fixture
def texts(settings):
    """Text messages that come to what a test says."""
    settings.PROVIDERS = {
        "twilio": {"class": f"{__name__}.Texts", "channel": "sms"},
        "inbox": settings.PROVIDERS["inbox"],
    }
    Texts.calls, Texts.answer = [], staticmethod(lambda message: Accepted("id"))
    return Texts


@pytest.fixture
def caller():
    """A caller's trace: its id, and the ``traceparent`` that samples it."""
    trace, span = os.urandom(16).hex(), os.urandom(8).hex()
    return trace, span, f"00-{trace}-{span}-01"
