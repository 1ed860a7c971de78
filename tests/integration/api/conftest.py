"""The API as its users reach it: over HTTP, on a real database and a real Redis."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import redis
from django.conf import settings
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils.encoding import iri_to_uri

from apps.core import cache
from apps.publishers import services
from apps.publishers.scopes import Scope

REDIS_URL = settings.REDIS_URL  # some tests point the settings elsewhere


class Api:
    """A publisher's client. Every call checks the status and gives back the JSON."""

    def __init__(self, name: str, key: str, capture: Callable[..., Any]) -> None:
        self.name = name
        self.key = key
        self._capture = capture
        self._client = Client(raise_request_exception=False)

    def call(
        self, method: str, path: str, body: Any = None, status: int = 200, **options: Any
    ) -> Any:
        options.setdefault("headers", {"Authorization": f"Bearer {self.key}"})
        options["RAW_URI"] = iri_to_uri(f"/v1/{path}")  # as Gunicorn has it
        if body is not None:
            options |= {"data": body, "content_type": "application/json"}
        elif method == "post":  # Django's client would send an empty form
            options = {"data": "", "content_type": "application/json", **options}
        # Tests run inside a transaction that is rolled back; what follows a commit runs here.
        with self._capture(execute=True):
            answer = getattr(self._client, method)(f"/v1/{path}", **options)
        assert answer.status_code == status, answer.content
        self.headers = answer.headers
        if not answer.content:
            return None
        kind = "application/json" if status < 400 else "application/problem+json"
        assert answer.headers["Content-Type"] == kind
        found = answer.json()
        if status >= 400:
            assert found["status"] == status
            assert found["detail"].endswith((".", ")", "…")), "a sentence says what to do"
        return found

    def get(self, path: str, status: int = 200, **query: Any) -> Any:
        return self.call("get", path, status=status, query_params=query)

    def post(self, path: str, body: Any, status: int = 200) -> Any:
        return self.call("post", path, body, status)

    def put(self, path: str, body: Any = None, status: int = 200) -> Any:
        return self.call("put", path, body, status)

    def patch(self, path: str, body: Any, status: int = 200) -> Any:
        return self.call("patch", path, body, status)

    def delete(self, path: str, status: int = 204) -> Any:
        return self.call("delete", path, status=status)


@contextmanager
def cheap(*, seconds: float, statements: int) -> Iterator[None]:
    """The block costs no more CPU and no more statements; what it waits for is the machine's."""
    began = time.process_time()
    with CaptureQueriesContext(connection) as asked:
        yield
    assert time.process_time() - began < seconds
    assert len(asked) <= statements


def forget_lookups() -> None:
    """What was looked up in rows that are rolled back."""
    for lookup in cache._lookups.values():
        lookup.forget()
    client = redis.Redis.from_url(REDIS_URL)
    for key in client.scan_iter("notifier:lookup:*", count=1000):
        client.delete(key)
    client.close()


@pytest.fixture(autouse=True)
def fresh_lookups() -> Iterator[None]:
    forget_lookups()
    yield
    forget_lookups()


@pytest.fixture
def publisher(db: None, django_capture_on_commit_callbacks: Any) -> Callable[..., Api]:
    """Makes a publisher with a key of these scopes (all of them)."""

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
