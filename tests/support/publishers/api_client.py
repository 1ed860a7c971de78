"""A publisher's or a person's HTTP client, which checks every answer."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils.encoding import iri_to_uri


class Api:
    """A client with a key or token. Every call checks the status and returns the JSON.

    ``headers`` has those of the last answer. What follows a commit runs within the call, by
    ``capture``.
    """

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
    """Expect that the block costs no more seconds of CPU and no more statements."""
    began = time.process_time()
    with CaptureQueriesContext(connection) as asked:
        yield
    assert time.process_time() - began < seconds
    assert len(asked) <= statements
