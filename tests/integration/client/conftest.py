"""Clients of a live server, each test with both kinds."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from apps.delivery.sending import process
from apps.publishers import services
from apps.publishers.scopes import Scope
from notifier_client import NotifierClient
from tests.support.deliveries.engine import work_once
from tests.support.publishers.awaited_client import Awaiting
from tests.support.publishers.lookups import fresh_lookups

__all__ = ["fresh_lookups"]  # a fixture

Connect = Callable[..., NotifierClient]


@pytest.fixture(params=[NotifierClient, Awaiting])
def connect(live_server: Any, request: pytest.FixtureRequest) -> Iterator[Connect]:
    """A publisher's client, by the publisher's name; ``scopes``: all unless some are given."""
    clients = []

    def make(name: str = "shop", scopes: Any = tuple(Scope)) -> NotifierClient:
        publisher = services.create_publisher(name)
        _, key = services.create_key(publisher.pk, set(scopes))
        clients.append(request.param(live_server.url, key, retry_for=5))
        return clients[-1]

    yield make
    for client in clients:
        client.close()
    process.close()


@pytest.fixture
def client(connect: Connect) -> NotifierClient:
    return connect()


def work() -> None:
    """Send what is due, as workers do."""
    work_once()
