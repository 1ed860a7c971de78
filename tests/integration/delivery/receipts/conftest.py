"""Fixtures of receipts: providers that report to this service, and messages that they carried."""

import pytest

from apps.delivery.models import ReceiptEvent
from apps.delivery.monitoring import metrics
from apps.preferences.models import Suppression
from tests.support.deliveries.signed_receipts import (
    HELLO,
    callback,  # noqa: F401  # a fixture
    take_receipts,
)
from tests.support.publishers.people import recipient


@pytest.fixture
def outside(providers, settings, live_server):
    """The sandbox, whose providers report to this service."""
    token = settings.PROVIDERS["twilio"]["options"]["auth_token"]
    key = providers.config["sendgrid"]["webhook_public_key"]
    take_receipts(settings, f"{live_server.url}/v1/receipts/twilio", token, key)
    providers.client.send_receipts(live_server.url)
    yield providers
    providers.client.send_receipts(None)


@pytest.fixture
def send(shop, work):
    """Post to one person on one channel and deliver it."""

    def run(channel, address, **fields):
        name = f"{channel}-{next(shop.names)}"
        person = recipient(name, **{channel: address})
        body = {"user_id": person.user_id, "content": HELLO, "channels": [channel], **fields}
        posted = shop.post("notifications", body)
        work()
        return posted

    return run


def _ignored_events():
    """Count the events ignored so far, by provider and reason."""
    return {
        (sample.labels["provider"], sample.labels["why"]): sample.value
        for metric in metrics.RECEIPT_EVENTS_IGNORED.collect()
        for sample in metric.samples
        if sample.name.endswith("_total")
    }


@pytest.fixture
def ignores():
    """Check that one event more is ignored for this reason, and that it changed nothing."""
    before = _ignored_events()

    def check(provider, why, number=1):
        grown = {key: count - before.get(key, 0) for key, count in _ignored_events().items()}
        assert {key: count for key, count in grown.items() if count} == {(provider, why): number}
        assert not Suppression.objects.exists()
        assert not ReceiptEvent.objects.exists()

    return check
