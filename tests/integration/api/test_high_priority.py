"""High priority: a scope, and a quota of its own."""

from importlib import import_module
from io import StringIO
from typing import Any

import pytest
from django.apps import apps
from django.core.management import call_command
from django.db import connection

from apps.delivery.models import Notification
from apps.publishers import services
from apps.publishers.models import ApiKey, Publisher
from apps.publishers.scopes import Scope
from tests.integration.api.conftest import Api, forget_lookups

pytestmark = pytest.mark.django_db
UPGRADE = import_module("apps.publishers.migrations.0007_high_priority")


def body(priority: str | None = None, **fields: object) -> dict:
    named = {"priority": priority} if priority else {}
    return {"user_id": "ada", "channels": ["inbox"], "content": {"body": "x"}, **named, **fields}


@pytest.fixture
def ada(api: Api) -> Api:
    api.put("recipients/ada", {}, status=201)
    return api


@pytest.fixture
def newsletter(ada: Api, monkeypatch: pytest.MonkeyPatch) -> Api:
    """The same publisher with a key that has every scope but that one."""
    publisher = Publisher.objects.get(name=ada.name)
    _, key = services.create_key(publisher.pk, set(Scope) - {Scope.NOTIFICATIONS_HIGH})
    monkeypatch.setattr(ada, "key", key)
    return ada


def limit(api: Api, **fields: int) -> None:
    Publisher.objects.filter(name=api.name).update(**fields)
    forget_lookups()


def test_a_key_without_the_scope_posts_nothing_at_high_priority(newsletter: Api):
    for priority in ("low", "normal", None):
        newsletter.post("notifications", body(priority), status=202)
    before = Notification.objects.count()
    problem = newsletter.post("notifications", body("high"), status=403)
    assert problem["type"] == "/problems/missing-scope"
    assert problem["scope"] == "notifications:high"
    assert "High priority" in problem["detail"]
    batch = {"notifications": [body("low"), body("high")]}
    newsletter.post("notifications/batch", batch, status=403)
    newsletter.put("groups/staff", {}, status=201)
    said = {"content": {"body": "x"}, "priority": "high"}
    newsletter.post("groups/staff/notify", said, status=403)
    assert Notification.objects.count() == before


def test_a_topics_own_priority_needs_the_scope_where_none_is_named(newsletter: Api):
    newsletter.post("topics", {"name": "codes", "default_priority": "high"}, status=201)
    said = {"content": {"body": "x"}}
    newsletter.post("topics/codes/publish", said, status=403)
    newsletter.post("topics/codes/publish", {**said, "priority": "normal"}, status=202)


def test_high_priority_has_a_quota_of_its_own(ada: Api):
    limit(ada, quota_per_day=1, high_quota_per_day=1)
    ada.post("notifications", body("low"), status=202)
    ada.post("notifications", body("normal"), status=429)
    ada.post("notifications", body("high"), status=202)
    problem = ada.post("notifications", body("high"), status=429)
    assert problem["type"] == "/problems/quota-exceeded"
    assert problem["quota"] == 1
    assert "of high priority" in problem["detail"]
    quota = ada.get("usage")["quota"]
    assert (quota["used"], quota["high"]) == (1, {"per_day": 1, "used": 1})
    assert ada.get("usage")["notifications"][0]["accepted"] == 2


def test_each_of_a_batch_counts_where_it_belongs(ada: Api):
    limit(ada, quota_per_day=1, high_quota_per_day=2)
    priorities = ("high", "low", "normal", "high", "high", "low")
    batch = {"notifications": [body(priority) for priority in priorities]}
    results = ada.post("notifications/batch", batch, status=202)["results"]
    assert [result["index"] for result in results if result["status"] == "accepted"] == [0, 1, 3]
    assert [result["problem"]["type"] for result in results if "problem" in result] == [
        "/problems/quota-exceeded"
    ] * 3


def test_an_upgrade_gives_the_scope_to_keys_that_could_post(ada: Api):
    publisher = Publisher.objects.get(name=ada.name)
    posting, _ = services.create_key(publisher.pk, ["notifications:write", "topics:read"])
    reading, _ = services.create_key(publisher.pk, ["notifications:read"])
    before = sorted(ApiKey.objects.get(prefix=ada.key.split("_")[1]).scopes)
    with connection.cursor() as cursor:
        cursor.execute(UPGRADE._GIVE)
        posting.refresh_from_db()
        reading.refresh_from_db()
        assert posting.scopes == ["notifications:high", "notifications:write", "topics:read"]
        assert reading.scopes == ["notifications:read"]
        assert sorted(ApiKey.objects.get(prefix=ada.key.split("_")[1]).scopes) == before
        cursor.execute(UPGRADE._TAKE)
    posting.refresh_from_db()
    assert posting.scopes == ["notifications:write", "topics:read"]


def test_an_upgrade_is_known_to_every_process_at_once(
    newsletter: Api, django_capture_on_commit_callbacks: Any
):
    newsletter.post("notifications", body("high"), status=403)
    with connection.cursor() as cursor:
        cursor.execute(UPGRADE._GIVE)
    newsletter.post("notifications", body("high"), status=403)
    with django_capture_on_commit_callbacks(execute=True):
        UPGRADE.forget(apps, None)
    newsletter.post("notifications", body("high"), status=202)


def test_a_key_can_be_made_without_it(db: None):
    said = {"stdout": StringIO(), "stderr": StringIO()}
    call_command("create_publisher", "shop2", **said)
    call_command("create_publisher", "news", "--without-high", **said)
    shop, news = (ApiKey.objects.get(publisher__name=name).scopes for name in ("shop2", "news"))
    assert set(shop) - set(news) == {"notifications:high"}
    assert set(news) < set(shop)
