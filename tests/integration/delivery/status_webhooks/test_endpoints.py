"""The endpoints that create, show, change and delete status webhooks."""

import pytest

from apps.delivery.models import StatusWebhook
from apps.preferences.models import Contact
from apps.publishers.models import AuditEvent
from tests.support.deliveries.status_webhooks import (
    change_events,
    notify,
    received,
    register_webhook,
)
from tests.support.publishers.people import recipient

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


def test_the_secret_is_shown_once_and_the_url_never(shop):
    wanted = {"url": "https://shop.example.com/hooks?token=abc", "events": ["dead", "failed"]}
    made = shop.post("status-webhooks", wanted, status=201)
    assert made["secret"].startswith("whsec_")
    expected = {
        "url": "https://shop.example.com/•••",
        "events": ["failed", "dead"],
        "state": "active",
    }
    shown = shop.get(f"status-webhooks/{made['id']}")
    assert {name: shown[name] for name in expected} == expected
    known = {"id", "url", "events", "state", "former_secret_until", "created_at"}
    health = {"last_success_at", "last_error_at", "last_error"}
    assert set(shown) == known | health
    assert shop.get("status-webhooks") == {"data": [shown], "next": None}
    change_events(shop, made, ["dead"])
    shop.post("status-webhooks", {**wanted, "secret": SECRET}, status=200)
    assert shop.http.delete(f"/v1/status-webhooks/{made['id']}").status_code == 204
    trail = AuditEvent.objects.filter(object_type="status_webhook").order_by("id")
    assert [event.action for event in trail] == ["create", "update", "update", "delete"]
    assert trail[1].before == {"events": ["failed", "dead"]}
    assert trail[1].after == {"events": ["dead"]}
    written = str([(event.before, event.after) for event in trail])
    assert "whsec" not in written and "token" not in written and "hooks" not in written
    shop.get(f"status-webhooks/{made['id']}", status=404)


def test_a_secret_of_ones_own_signs(shop, outside, work):
    url = f"{outside.config['webhook']['base_url']}/own"
    wanted = {"url": url, "events": ["delivered"], "secret": SECRET}
    assert shop.post("status-webhooks", wanted, status=201)["secret"] == SECRET
    outside.client.register_webhook("own", SECRET)
    recipient("ada")
    notify(shop, "ada", channels=["inbox"])
    work()
    assert len(received(outside, "own")) == 1


def test_one_that_was_deleted_gets_no_new_event(shop, outside, work):
    made = register_webhook(shop, outside, "delivered")
    assert shop.http.delete(f"/v1/status-webhooks/{made['id']}").status_code == 204
    recipient("ada")
    notify(shop, "ada", channels=["inbox"])
    work()
    assert received(outside) == []


@pytest.mark.parametrize(
    ("body", "pointer", "says"),
    [
        ({"url": "https://a.example.com"}, "/events", "delivered, bounced, failed, dead"),
        ({"url": "https://a.example.com", "events": []}, "/events", "delivered"),
        ({"url": "https://a.example.com", "events": ["sending"]}, "/events/0", "delivered"),
        ({"url": "http://a.example.com", "events": ["dead"]}, "/url", "https"),
        ({"url": "https://u:p@a.example.com", "events": ["dead"]}, "/url", "password"),
        ({"events": ["dead"]}, "/url", "required"),
        ({"url": "https://a.co", "events": ["dead"], "secret": "x"}, "/secret", "whsec_"),
        ({"url": "https://a.co", "events": ["dead"], "state": "active"}, "/state", "no such"),
    ],
)
def test_what_is_wrong_is_named(shop, body, pointer, says):
    problem = shop.post("status-webhooks", body, status=400)
    [error] = problem["errors"]
    assert error["pointer"] == pointer
    assert says in error["detail"]


def test_there_are_at_most_ten(shop, other_shop):
    body = {"events": ["dead"]}
    for number in range(10):
        shop.post("status-webhooks", {**body, "url": f"https://a.co/{number}"}, status=201)
    refused = shop.post("status-webhooks", {**body, "url": "https://a.co/10"}, status=409)
    assert refused["type"] == "/problems/conflict"
    assert not Contact.objects.filter(publisher=other_shop.id).exists()
    assert Contact.objects.filter(publisher=shop.id).count() == 10, "nothing is left of it"
    shop.post("status-webhooks", {**body, "url": "https://a.co/9"}, status=200)
    other_shop.post("status-webhooks", {**body, "url": "https://a.co/10"}, status=201)


def test_anothers_is_not_there(shop, other_shop):
    body = {"url": "https://a.co/", "events": ["dead"]}
    made = shop.post("status-webhooks", body, status=201)
    for webhook_id in (made["id"], 10**30):
        path = f"/v1/status-webhooks/{webhook_id}"
        for call, change in (
            (other_shop.http.get, None),
            (other_shop.http.delete, None),
            (other_shop.http.patch, {"events": ["dead"]}),
        ):
            answer = call(path, change, format="json")
            assert answer.status_code == 404, (call, answer.content)
    assert other_shop.get("status-webhooks")["data"] == []
    assert StatusWebhook.objects.count() == 1
