"""The audit trail: who changed what, when, from where, and its value before and after."""

import json
from collections.abc import Callable
from datetime import timedelta
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.contrib import admin
from django.contrib.auth.models import Group, User
from django.core.management import CommandError, call_command
from django.test import Client
from django.utils import timezone

from apps.delivery.maintenance.retention import purge
from apps.operators.audit import Audited
from apps.publishers.models import ApiKey, AuditEvent, Publisher
from apps.publishers.scopes import Scope
from apps.topics.models import Topic
from config import env
from tests.support.publishers.api_client import Api


def events(api: Api, **query: Any) -> list[dict[str, Any]]:
    return api.get("audit", **query)["data"]


def newest(api: Api) -> dict[str, Any]:
    return events(api, limit=1)[0]


def short(event: dict[str, Any]) -> tuple[Any, ...]:
    return tuple(event[name] for name in ("action", "object_type", "object_name"))


def test_a_change_names_the_key_the_address_and_what_differs(api: Api):
    api.post("topics", {"name": "news", "delay": 5, "category": "offers"}, status=201)
    api.patch("topics/news", {"delay": 7, "category": "offers"})
    event = newest(api)
    assert abs(timezone.now() - timezone.datetime.fromisoformat(event.pop("at"))) < timedelta(
        minutes=1
    )
    assert event == {
        "actor_kind": "publisher",
        "actor": api.key.split("_")[1],
        "remote_address": "127.0.0.1",
        "action": "update",
        "object_type": "topic",
        "object_name": "news",
        "before": {"delay": 5},
        "after": {"delay": 7},
    }


def test_every_change_of_a_topic_is_an_event(api: Api, other: Api):
    api.post("topics", {"name": "news"}, status=201)
    api.put("topics/news/grants/other", status=204)
    api.delete("topics/news/grants/other")
    api.delete("topics/news")
    found = [short(event) for event in events(api)]
    assert found == [
        ("delete", "topic", "news"),
        ("withdraw", "topic", "news"),
        ("grant", "topic", "news"),
        ("create", "topic", "news"),
    ]
    assert events(other) == [], "another publisher's events are not shown"


def test_every_change_of_a_key_is_an_event_without_the_key(api: Api):
    made = api.post("api-keys", {"name": "job", "scopes": ["topics:read"]}, status=201)
    turned = api.post(f"api-keys/{made['prefix']}/rotate", {"grace_seconds": 60}, status=201)
    api.delete(f"api-keys/{made['prefix']}")
    api.delete(f"api-keys/{made['prefix']}")
    revoked, rotated, created = events(api)
    assert short(revoked) == ("revoke", "api_key", made["prefix"])
    assert rotated["after"]["replaced_by"] == turned["prefix"]
    assert created["after"] == {
        "name": "job",
        "scopes": ["topics:read"],
        "expires_at": None,
        "made_by": api.key.split("_")[1],
    }
    text = json.dumps(events(api))
    for key in (made["key"], turned["key"]):
        assert key.split("_", 2)[2] not in text


def test_changes_of_a_recipient_name_no_address(api: Api):
    api.put(
        "recipients/ada",
        {"locale": "de", "contacts": [{"channel": "email", "address": "ada@example.com"}]},
        status=201,
    )
    api.put("recipients/ada", {"locale": "fr"})
    device = {"platform": "android", "token": "t" * 40, "app": "com.example.shop"}
    made = api.post("recipients/ada/devices", device, status=201)
    hook = {"channel": "webhook", "address": "https://example.com/hook?key=abc"}
    added = api.post("recipients/ada/contacts", hook, status=201)
    api.put("recipients/ada/preferences", {"preferences": [{"channel": "sms", "allowed": True}]})
    api.patch("recipients/ada/preferences", {"preferences": [{"channel": "sms", "allowed": None}]})
    api.delete(f"recipients/ada/devices/{made['id']}")
    api.delete(f"recipients/ada/contacts/{added['id']}")
    found = events(api)
    assert [short(event) for event in reversed(found)] == [
        ("create", "recipient", "ada"),
        ("update", "recipient", "ada"),
        ("create", "device", "ada"),
        ("create", "contact", "ada"),
        ("replace", "preferences", "ada"),
        ("update", "preferences", "ada"),
        ("delete", "device", "ada"),
        ("delete", "contact", "ada"),
    ]
    assert (found[-2]["before"], found[-2]["after"]) == ({"locale": "de"}, {"locale": "fr"})
    text = json.dumps(found)
    for secret in ("ada@", "example.com/hook", "tttt", added["secret"]):
        assert secret not in text


def test_a_bulk_call_is_one_event_with_its_number(api: Api):
    people = [{"user_id": f"u{n}"} for n in range(3)]
    api.post("recipients/bulk", {"recipients": people})
    api.post("recipients/bulk", {"recipients": [*people, {"user_id": "new"}, {"user_id": ""}]})
    api.post("topics", {"name": "news"}, status=201)
    requests = [{**person, "channels": ["push", "email"]} for person in people]
    api.post("topics/news/subscriptions", {"subscriptions": requests})
    api.post("topics/news/subscriptions", {"channel": "email", "address": "news@example.com"})
    api.post("topics/news/unsubscribe", {"user_id": "u1"})
    api.post("topics/news/unsubscribe", {"user_id": "u1"})
    row = api.get("topics/news/subscriptions")["data"][0]["id"]
    api.delete(f"topics/news/subscriptions/{row}")
    found = [(*short(event), event["before"], event["after"]) for event in reversed(events(api))]
    assert found == [
        ("upsert", "recipient", "", None, {"created": 3, "updated": 0}),
        ("upsert", "recipient", "", None, {"created": 1, "updated": 3}),
        ("create", "topic", "news", None, found[2][4]),
        ("subscribe", "subscription", "news", None, {"subscriptions": 6}),
        ("subscribe", "subscription", "news", None, {"subscriptions": 1}),
        ("unsubscribe", "subscription", "news", {"subscriptions": 2, "user_id": "u1"}, None),
        (
            "unsubscribe",
            "subscription",
            "news",
            {"id": row, "channel": "email", "user_id": "u0"},
            None,
        ),
    ]


def test_a_cancel_is_an_event_once(api: Api):
    api.put("recipients/ada", {}, status=201)
    later = (timezone.now() + timedelta(hours=1)).isoformat()
    body = {"user_id": "ada", "channels": ["inbox"], "content": {"body": "x"}, "send_at": later}
    posted = api.post("notifications", body, status=202)
    api.post(f"notifications/{posted['id']}/cancel", None)
    api.post(f"notifications/{posted['id']}/cancel", None)
    [event] = events(api, object_type="notification")
    assert short(event) == ("cancel", "notification", posted["id"])


def test_what_was_refused_is_no_event(api: Api):
    api.post("topics", {"name": "news"}, status=201)
    before = AuditEvent.objects.count()
    api.post("topics", {"name": "news"}, status=409)
    api.patch("topics/news", {"delay": -1}, status=400)
    api.post("topics/news/subscriptions", {"user_id": "nobody", "channels": ["sms"]}, status=400)
    assert AuditEvent.objects.count() == before


def test_events_can_be_filtered_and_paged(api: Api):
    for name in ("a", "b", "c"):
        api.post("topics", {"name": name}, status=201)
    assert [event["object_name"] for event in events(api, object_name="b")] == ["b"]
    assert events(api, object_type="api_key") == []
    assert len(events(api, since="2020-01-01T00:00:00Z")) == 3
    assert events(api, since="2999-01-01T00:00:00Z") == []
    page = api.get("audit", limit=2)
    rest = api.get("audit", limit=2, cursor=page["next"])
    names = [event["object_name"] for event in page["data"] + rest["data"]]
    assert (names, rest["next"]) == (["c", "b", "a"], None)
    api.get("audit", since="yesterday", status=400)
    api.get("audit", who="me", status=400)


def test_reading_the_trail_needs_its_scope(publisher: Callable[..., Api]):
    publisher("narrow", [Scope.TOPICS_WRITE]).get("audit", status=403)


# -- Commands ---------------------------------------------------------------------------------


def test_a_publisher_made_by_a_command_is_an_event(db: None):
    call_command("create_publisher", "shop", stdout=StringIO(), stderr=StringIO())
    found = AuditEvent.objects.order_by("id").values_list("actor_kind", "action", "object_type")
    assert list(found) == [("system", "create", "publisher"), ("system", "create", "api_key")]


def test_an_import_is_one_event_that_its_publisher_sees(api: Api, tmp_path: Path):
    api.post("topics", {"name": "news"}, status=201)
    file = tmp_path / "people.csv"
    file.write_text("user_id,channels\nada,push|sms\nbob,push\n,push\n")
    with pytest.raises(CommandError, match="1 lines were not imported"):
        call_command(
            "import_subscriptions", "news", str(file), "--create-recipients", stdout=StringIO()
        )
    event = newest(api)
    assert short(event) == ("import", "subscription", "news")
    assert event["after"] == {
        "lines": 3,
        "imported": 2,
        "present": 0,
        "subscriptions": 3,
        "rejected": 1,
    }


# -- From where -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("trusted", "forwarded", "client"),
    [
        ("", "198.51.100.7", "127.0.0.1"),
        ("127.0.0.0/8", "198.51.100.7", "198.51.100.7"),
        ("127.0.0.1,10.0.0.0/8", "203.0.113.9, 198.51.100.7:4711, 10.1.2.3", "198.51.100.7"),
        ("127.0.0.1", "203.0.113.9, 198.51.100.7, 10.1.2.3", "10.1.2.3"),
        ("127.0.0.1", "[2001:db8::1]:443", "2001:db8::1"),
        ("127.0.0.1", "fe80::1%eth0", "fe80::1"),
        ("127.0.0.1", "unknown", "127.0.0.1"),
        ("127.0.0.1", "", "127.0.0.1"),
    ],
)
def test_a_proxys_word_counts_where_the_proxy_is_trusted(
    api: Api, monkeypatch: pytest.MonkeyPatch, trusted: str, forwarded: str, client: str
):
    monkeypatch.setenv("NOTIFIER_TEST_PROXIES", trusted)
    networks = env.networks("NOTIFIER_TEST_PROXIES", "", "")
    env.SETTINGS.pop()
    monkeypatch.setattr(settings, "TRUSTED_PROXIES", networks)
    headers = {"Authorization": f"Bearer {api.key}", "X-Forwarded-For": forwarded}
    api.call("post", "topics", {"name": "news"}, 201, headers=headers)
    assert newest(api)["remote_address"] == client


# -- Operators --------------------------------------------------------------------------------


@pytest.fixture
def operator(db: None) -> Client:
    client = Client()
    client.force_login(User.objects.create_superuser("olga"))
    return client


def test_what_an_operator_changes_is_an_event_that_the_publisher_sees(api: Api, operator: Client):
    shop = Publisher.objects.get(name="shop")
    answer = operator.post(
        f"/admin/publishers/publisher/{shop.pk}/change/",
        {"name": "shop", "display_name": "The shop", "is_active": "on", "quota_per_day": "5"},
    )
    assert answer.status_code == 302, answer.content
    event = newest(api)
    assert (event["actor_kind"], event["actor"]) == ("operator", "olga")
    assert short(event) == ("update", "publisher", "shop")
    assert event["before"] == {"display_name": "", "quota_per_day": None}
    assert event["after"] == {"display_name": "The shop", "quota_per_day": 5}


def test_what_an_operator_makes_and_deletes_are_events(operator: Client):
    operator.post("/admin/auth/group/add/", {"name": "night shift"})
    made = Group.objects.get(name="night shift")
    operator.post(f"/admin/auth/group/{made.pk}/delete/", {"post": "yes"})
    created, deleted = AuditEvent.objects.order_by("id")
    assert (created.action, created.object_type, created.object_name) == (
        "create",
        "group",
        "night shift",
    )
    assert created.after == {"name": "night shift"}
    assert (deleted.action, deleted.before["name"]) == ("delete", "night shift")


def test_of_a_new_password_only_the_change_is_an_event(operator: Client):
    clerk = User.objects.create_user("carl", password="the first one")
    words = {
        "password1": "the-second-one",
        "password2": "the-second-one",
        "usable_password": "true",
    }
    operator.post(f"/admin/auth/user/{clerk.pk}/password/", words)
    clerk.refresh_from_db()
    assert clerk.check_password("the-second-one")
    event = AuditEvent.objects.get()
    assert (event.action, event.object_name) == ("update", "carl")
    assert (event.before, event.after) == ({"password": "…"}, {"password": "changed"})


def test_every_page_of_the_admin_that_changes_rows_is_audited(operator: Client):
    request = operator.get("/admin/").wsgi_request
    assert request.user.is_superuser
    silent = [
        model.__name__
        for model, page in admin.site._registry.items()
        if not isinstance(page, Audited)
        and (
            page.has_add_permission(request)
            or page.has_change_permission(request)
            or page.has_delete_permission(request)
        )
    ]
    assert silent == []


def test_deleting_selected_rows_is_an_event_each(api: Api, operator: Client):
    shop = Publisher.objects.get(name="shop")
    rows = [Topic.objects.create(name=name, publisher=shop).pk for name in ("a", "b")]
    chosen = {"action": "delete_selected", "_selected_action": rows, "post": "yes"}
    operator.post("/admin/topics/topic/", chosen)
    assert {short(event) for event in events(api)} == {
        ("delete", "topic", "a"),
        ("delete", "topic", "b"),
    }


def test_an_action_is_an_event_for_each_publisher_whose_rows_it_was_done_to(
    api: Api, other: Api, operator: Client
):
    made = [api.post("api-keys", {"scopes": ["topics:read"]}, status=201) for _ in range(2)]
    theirs = other.post("api-keys", {"scopes": ["topics:read"]}, status=201)
    prefixes = [key["prefix"] for key in (*made, theirs)]
    rows = list(ApiKey.objects.filter(prefix__in=prefixes).values_list("pk", flat=True))
    operator.post("/admin/publishers/apikey/", {"action": "revoke", "_selected_action": rows})
    assert ApiKey.objects.filter(revoked_at__isnull=False).count() == 3
    mine = newest(api)
    assert (mine["actor"], *short(mine)) == ("olga", "revoke", "api_key", "")
    assert mine["after"]["rows"] == 2
    assert set(mine["after"]["names"]) == set(prefixes[:2])
    one = newest(other)
    assert short(one) == ("revoke", "api_key", theirs["prefix"])
    assert one["after"] == {"rows": 1, "names": [theirs["prefix"]]}


# -- How long ---------------------------------------------------------------------------------


@pytest.mark.django_db(transaction=True)
def test_events_past_their_days_are_dropped_and_no_others():
    for days in (500, 401, 399, 0):
        AuditEvent.objects.create(
            actor_kind="system", actor="t", action="x", object_type="t", object_name=str(days)
        )
        AuditEvent.objects.filter(object_name=str(days)).update(
            at=timezone.now() - timedelta(days=days)
        )
    purge()
    assert [e.object_name for e in AuditEvent.objects.order_by("id")] == ["399", "0"]
