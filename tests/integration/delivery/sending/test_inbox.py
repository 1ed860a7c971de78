"""The way from a publisher's post to the person's inbox."""

from typing import Any

import pytest
from rest_framework.test import APIClient

from apps.inbox.models import InboxItem
from tests.support.publishers.inbox_app import ada
from tests.support.publishers.shop import Shop

__all__ = ["ada"]  # a fixture


def test_what_is_posted_is_in_the_inbox_once(shop: Shop, ada: APIClient, work: Any):
    content = {
        "title": "Card blocked",
        "body": "Call us.",
        "data": {"case": 7},
        "actions": {"Call": "https://bank.example.com/call"},
        "severity": "error",
        "display_type": "popup",
        "source": "Bank",
    }
    posted = shop.post(
        "notifications",
        {
            "user_id": "ada",
            "channels": ["inbox"],
            "content": content,
            "expires_at": "2099-01-01T00:00:00Z",
        },
    )
    work()
    assert shop.counts(posted) == {"inbox": {"delivered": 1}}
    [item] = ada.get("/v1/inbox").json()["data"]
    assert {name: item[name] for name in content} == content
    assert item["notification_id"] == posted["id"]
    assert item["expires_at"] == "2099-01-01T00:00:00Z"
    assert ada.get("/v1/inbox/unread").json() == {"unread": 1, "unseen": 1}
    stored = b"".join(bytes(row) for row in InboxItem.objects.values_list("content", flat=True))
    assert b"Card" not in stored


@pytest.mark.parametrize(
    "said", [{"severity": "fatal"}, {"display_type": "toast"}, {"source": "x" * 101}]
)
def test_content_an_inbox_does_not_know_is_refused(shop: Shop, ada: APIClient, said: dict):
    body = {"user_id": "ada", "content": {"title": "Hello", **said}}
    problem = shop.post("notifications", body, status=400)
    assert problem["errors"][0]["pointer"] == f"/content/{next(iter(said))}"
