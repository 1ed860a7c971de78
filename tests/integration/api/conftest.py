"""The API as its users reach it: over HTTP, on a real database and a real Redis."""

from collections.abc import Callable
from typing import Any

import pytest

from apps.publishers import services
from apps.publishers.scopes import Scope
from tests.support.publishers.api_client import Api
from tests.support.publishers.lookups import fresh_lookups

__all__ = ["fresh_lookups"]  # a fixture


@pytest.fixture
def publisher(db: None, django_capture_on_commit_callbacks: Any) -> Callable[..., Api]:
    """Make a publisher with a key of these scopes (by default all)."""

    def make(name: str, scopes: Any = tuple(Scope)) -> Api:
        row = services.create_publisher(name)
        _, key = services.create_key(row.pk, scopes)
        return Api(name, key, django_capture_on_commit_callbacks)

    return make


@pytest.fixture
def api(publisher: Callable[..., Api]) -> Api:
    return publisher("shop")


@pytest.fixture
def other(publisher: Callable[..., Api]) -> Api:
    return publisher("other")
