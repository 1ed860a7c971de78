"""Fixtures of traces: a collector, and the providers at the sandbox."""

from tests.integration.delivery.status_webhooks.conftest import fresh_lookups, outside
from tests.support.deliveries.signed_receipts import callback
from tests.support.fakes.otlp_collector import collector

__all__ = ["callback", "collector", "fresh_lookups", "outside"]  # fixtures
