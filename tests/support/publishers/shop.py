"""A publisher that may do everything, and its HTTP client.

``shop`` and ``other_shop`` are fixtures: a ``conftest.py`` imports them by name.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from rest_framework.test import APIClient

from apps.publishers import services as publishers
from apps.publishers.scopes import Scope
from apps.topics.models import Topic

HELLO = {"title": "Hello", "body": "There"}


@dataclass
class Shop:
    """A publisher with a key that may do everything, and its HTTP client.

    ``names`` counts up, for what needs a name of its own.
    """

    id: int
    http: APIClient
    names: Iterator[int] = field(default_factory=lambda: iter(range(10**6)))

    def topic(self, name: str = "news", **fields: Any) -> Topic:
        return Topic.objects.create(name=name, publisher_id=self.id, **fields)

    def post(self, path: str, body: Any, *, status: int = 202, **headers: str) -> Any:
        answer = self.http.post(f"/v1/{path}", body, format="json", headers=headers)
        assert answer.status_code == status, answer.json()
        return answer.json()

    def get(self, path: str, *, status: int = 200, **query: Any) -> Any:
        answer = self.http.get(f"/v1/{path}", query)
        assert answer.status_code == status, answer.json()
        return answer.json()

    def counts(self, notification: Any) -> dict[str, dict[str, int]]:
        return self.get(f"notifications/{notification['id']}")["counts"]


def make_shop(name: str = "shop", scopes: Iterable[str] = tuple(Scope)) -> Shop:
    publisher = publishers.create_publisher(name)
    _, key = publishers.create_key(publisher.pk, list(scopes))
    http = APIClient()
    http.credentials(HTTP_AUTHORIZATION=f"Bearer {key}")
    return Shop(publisher.pk, http)


def delivery_of(shop: Shop, posted: Any) -> Any:
    """The API's row of a notification's only delivery."""
    [row] = shop.get(f"notifications/{posted['id']}/deliveries")["data"]
    return row


def outcome(shop: Shop, work: Callable[[], None], topic: Topic, **publish: Any) -> tuple[str, str]:
    """Publish to a topic with one subscription and send it: its delivery's state and reason."""
    posted = shop.post(f"topics/{topic.name}/publish", {"content": HELLO, **publish})
    work()
    row = delivery_of(shop, posted)
    return row["state"], row["reason"]


@pytest.fixture
def shop(transactional_db: None) -> Shop:
    return make_shop()


@pytest.fixture
def other_shop(transactional_db: None) -> Shop:
    return make_shop("other")
