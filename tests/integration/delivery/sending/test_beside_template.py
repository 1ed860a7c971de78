"""Severity, display type and source that are posted beside a template reach the inbox."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone
from rest_framework.test import APIClient

from apps.delivery.models import Delivery, Notification
from apps.inbox.models import InboxItem
from notifier.security.tokens import sign
from tests.support.fakes.jwks_server import lasting
from tests.support.publishers.inbox_app import SECRET, ada
from tests.support.publishers.people import recipient, subscribe
from tests.support.publishers.shop import Shop
from tests.support.publishers.streams import streaming

__all__ = ["ada"]  # a fixture

BESIDE = {"severity": "error", "display_type": "popup", "source": "Cards"}
PLAIN = {"severity": "info", "display_type": "inbox", "source": ""}
BLOCKED = {"name": "blocked", "variables": {"card": "7"}}
Work = Callable[[], None]


@pytest.fixture(autouse=True)
def template(shop: Shop) -> None:
    """A template of one text for all, and in German of one for each."""
    contents = [
        {"channel": "inbox", "locale": "en", "title": "Card {{ card }} is blocked"},
        {"channel": "inbox", "locale": "de", "title": "{{ recipient.user_id }}: {{ card }}"},
        {"channel": "sms", "locale": "en", "body": "Card {{ card }} is blocked"},
    ]
    body = {"name": "blocked", "default_locale": "en", "contents": contents}
    shop.post("templates", body, status=201)


def notify(shop: Shop, status: int = 202, **fields: Any) -> Any:
    body = {"user_id": "ada", "channels": ["inbox"], "template": BLOCKED, **fields}
    return shop.post("notifications", body, status=status)


def shown(app: APIClient) -> list[dict[str, str]]:
    """Severity, display type and source of the person's items, the newest first."""
    return [{name: item[name] for name in BESIDE} for item in app.get("/v1/inbox").json()["data"]]


def test_the_item_and_the_event_of_an_open_page_have_them(shop: Shop, ada: APIClient, work: Work):
    with streaming() as server:
        page = server.open(sign(lasting({"sub": "ada"}), SECRET))
        posted = notify(shop, content=BESIDE)
        work()
        [event] = page.wait_for("item")
    assert shop.counts(posted) == {"inbox": {"delivered": 1}}
    used = shop.get(f"notifications/{posted['id']}")["template"]
    assert used == {"name": "blocked", "version": 1}
    [item] = ada.get("/v1/inbox").json()["data"]
    assert item == event
    assert {name: item[name] for name in BESIDE} == BESIDE
    assert item["title"] == "Card 7 is blocked"
    assert [one["title"] for one in ada.get("/v1/inbox?severity=error").json()["data"]]


@pytest.mark.parametrize("content", [{"source": "Cards"}, {"title": "", "data": {}}, {}])
def test_what_is_left_out_is_as_without_a_template(
    shop: Shop, ada: APIClient, work: Work, content: dict[str, Any]
):
    notify(shop, content=content)
    work()
    assert shown(ada) == [{**PLAIN, **{name: content[name] for name in BESIDE if name in content}}]


def test_everybody_gets_them_in_texts_for_all_and_for_each(shop: Shop, ada: APIClient, work: Work):
    topic = shop.topic()
    people = [recipient(f"p{n}") for n in range(6)]
    for number, person in enumerate(people):
        if number % 2:
            person.locale = "de"
            person.save(update_fields=["locale"])
        subscribe(topic, person, "inbox")
    shop.post("topics/news/publish", {"template": BLOCKED, "content": BESIDE, "priority": "low"})
    work()
    rows = InboxItem.objects.values_list("severity", "display_type", "source")
    assert list(rows) == [tuple(BESIDE.values())] * 6


def test_each_notification_of_a_batch_has_its_own(shop: Shop, ada: APIClient, work: Work):
    one = {"user_id": "ada", "template": BLOCKED, "channels": ["inbox"]}
    said = [{"content": BESIDE}, {}, {"content": {"title": "No"}}]
    body = {"notifications": [{**one, **content} for content in said]}
    results = shop.post("notifications/batch", body)["results"]
    assert [result["status"] for result in results] == ["accepted", "accepted", "error"]
    assert results[2]["problem"]["errors"][0]["pointer"] == "/content/title"
    work()
    found = shown(ada)
    assert len(found) == 2 and BESIDE in found and PLAIN in found


@pytest.mark.parametrize(
    ("content", "pointers"),
    [
        ({"body": "x", **BESIDE}, ["/content/body"]),
        ({"title": "x", "data": {"a": 1}}, ["/content/title", "/content/data"]),
        ({"actions": {"Call": "https://example.com"}}, ["/content/actions"]),
        ({"severity": "fatal"}, ["/content/severity"]),
        ({"source": "x" * 101}, ["/content/source"]),
    ],
)
def test_nothing_else_may_be_beside_a_template(
    shop: Shop, ada: APIClient, content: dict[str, Any], pointers: list[str]
):
    problem = notify(shop, 400, content=content)
    assert sorted(error["pointer"] for error in problem["errors"]) == sorted(pointers)
    if "severity" not in content and "source" not in content:
        assert "Beside one give severity, display_type and source only." in problem["detail"]
    assert not Notification.objects.exists()


def test_a_channel_without_an_inbox_passes_them_over(
    shop: Shop, ada: APIClient, work: Work, providers: Any
):
    recipient("bob", sms="+436601234500")
    posted = notify(shop, user_id="bob", channels=["sms"], content=BESIDE)
    work()
    assert shop.counts(posted) == {"sms": {"accepted": 1}}
    [message] = providers.client.messages("sms")
    assert "Card 7 is blocked" in str(message["content"])
    assert "Cards" not in str(message["content"])


def test_an_edit_replaces_them_with_the_template_as_a_whole(shop: Shop, ada: APIClient, work: Work):
    later = (timezone.now() + timedelta(hours=1)).isoformat()
    warned = notify(shop, content=BESIDE, send_at=later)
    calmed = notify(shop, content=BESIDE, send_at=later)

    def edit(posted: Any, **fields: Any) -> Any:
        answer = shop.http.patch(f"/v1/notifications/{posted['id']}", fields, format="json")
        return answer.json()

    warning = {"severity": "warning"}
    edit(warned, template=BLOCKED, content=warning)
    edit(calmed, template=BLOCKED)
    refused = edit(warned, template=BLOCKED, content={"title": "New"})
    assert refused["errors"][0]["pointer"] == "/content/title"
    before = Notification.objects.get(pk=warned["id"]).content
    edit(warned, template=BLOCKED, content=warning)
    assert Notification.objects.get(pk=warned["id"]).content == before, "it says so already"
    for posted in (calmed, warned):
        edit(posted, send_at=None)
        work()
    assert shown(ada) == [{**PLAIN, **warning}, PLAIN]


def test_what_is_sent_again_has_them(shop: Shop, ada: APIClient, work: Work):
    first = notify(shop, content=BESIDE)
    work()
    InboxItem.objects.all().delete()
    Delivery.objects.update(state="failed")
    shop.post(f"notifications/{first['id']}/replay", {})
    work()
    assert shown(ada) == [BESIDE]


def test_a_schedule_sends_them(shop: Shop, ada: APIClient, work: Work):
    posted = {"user_id": "ada", "channels": ["inbox"], "template": BLOCKED, "content": BESIDE}
    schedule = {"name": "daily", "cron": "0 9 * * *", "time_zone": "UTC", "notification": posted}
    shop.post("schedules", schedule, status=201)
    shop.post("schedules/daily/run", None)
    work()
    assert shown(ada) == [BESIDE]


def test_what_differs_in_them_is_another_notification(shop: Shop, ada: APIClient):
    once = {"deduplicate_seconds": 600}
    first = notify(shop, content=BESIDE, **once)
    assert notify(shop, content=BESIDE, **once) == {**first, "deduplicated": True}
    plain = notify(shop, **once)
    assert "deduplicated" not in plain
    assert notify(shop, content=PLAIN, **once)["id"] == plain["id"], "the defaults, written out"
    body = {"user_id": "ada", "template": BLOCKED, "content": BESIDE}
    shop.post("notifications", body, **{"Idempotency-Key": "once"})
    other = {**body, "content": {**BESIDE, "source": "Shop"}}
    problem = shop.post("notifications", other, status=422, **{"Idempotency-Key": "once"})
    assert problem["type"] == "/problems/idempotency-mismatch"
