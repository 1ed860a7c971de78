"""High priority: a scope, and quotas of its own for a day and for a second."""

from importlib import import_module
from io import StringIO
from typing import Any

import pytest
import redis
from django.apps import apps
from django.core.management import call_command
from django.db import connection

from apps.delivery.models import Notification
from apps.publishers import limits, services
from apps.publishers.models import ApiKey, Publisher
from apps.publishers.scopes import Scope
from tests.support.publishers.api_client import Api
from tests.support.publishers.lookups import REDIS_URL, forget_lookups

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
    assert (quota["used"], quota["high"]["per_day"], quota["high"]["used"]) == (1, 1, 1)
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


# -- A second's -------------------------------------------------------------------------------


def high_rate(api: Api, per_second: int) -> None:
    """A fresh limit of this many a second, and twice as many at once."""
    limit(api, high_rate_per_second=per_second)
    client = redis.Redis.from_url(REDIS_URL)
    client.delete(f"notifier:rate:{Publisher.objects.get(name=api.name).pk}:high")
    client.close()


def test_more_of_high_priority_than_its_rate_is_refused_and_nothing_else(ada: Api):
    high_rate(ada, 1)
    refused = limits.HIGH_REFUSED._value.get()
    ada.post("notifications", body("high"), status=202)
    ada.post("notifications", body("high"), status=202)
    problem = ada.post("notifications", body("high"), status=429)
    assert problem["type"] == "/problems/rate-limited"
    assert (problem["quota"], problem["per_second"], problem["retry_after"]) == ("high", 1, 1)
    assert "1 notifications of high priority a second" in problem["detail"]
    assert ada.headers["Retry-After"] == "1"
    assert limits.HIGH_REFUSED._value.get() == refused + 1
    for priority in ("normal", "low"):
        ada.post("notifications", body(priority), status=202)
    assert Notification.objects.count() == 4


def test_one_publishers_rate_of_high_priority_is_not_anothers(ada: Api, other: Api):
    high_rate(ada, 1)
    high_rate(other, 1)
    for _ in range(2):
        ada.post("notifications", body("high"), status=202)
    ada.post("notifications", body("high"), status=429)
    other.put("recipients/ada", {})
    other.post("notifications", body("high"), status=202)


def test_of_a_batch_as_many_are_accepted_as_the_rate_allows(ada: Api):
    high_rate(ada, 1)
    priorities = ("high", "low", "high", "high", "normal", "high")
    batch = {"notifications": [body(priority) for priority in priorities]}
    results = ada.post("notifications/batch", batch, status=202)["results"]
    assert [result["index"] for result in results if result["status"] == "accepted"] == [0, 1, 2, 4]
    problems = [result["problem"] for result in results if "problem" in result]
    assert [(one["type"], one["quota"], one["retry_after"]) for one in problems] == [
        ("/problems/rate-limited", "high", 1)
    ] * 2
    urgent = {"notifications": [body("high")] * 3}
    assert ada.post("notifications/batch", urgent, status=429)["quota"] == "high"


def test_a_topics_own_priority_counts_towards_the_rate(ada: Api):
    high_rate(ada, 1)
    ada.post("topics", {"name": "codes", "default_priority": "high"}, status=201)
    said = {"content": {"body": "x"}}
    ada.put("groups/staff", {}, status=201)
    ada.post("topics/codes/publish", said, status=202)
    ada.post("groups/staff/notify", {**said, "priority": "high"}, status=202)
    assert ada.post("topics/codes/publish", said, status=429)["quota"] == "high"
    assert ada.post("groups/staff/notify", {**said, "priority": "high"}, status=429)
    ada.post("topics/codes/publish", {**said, "priority": "low"}, status=202)


def test_a_key_that_may_not_post_it_uses_nothing_of_the_rate(newsletter: Api, ada: Api):
    high_rate(ada, 1)
    for _ in range(5):
        newsletter.post("notifications", body("high"), status=403)
    _, key = services.create_key(Publisher.objects.get(name=ada.name).pk, Scope)
    headers = {"Authorization": f"Bearer {key}"}
    for _ in range(2):
        ada.call("post", "notifications", body("high"), 202, headers=headers)


def test_the_rate_is_asked_in_the_one_call_to_redis_of_the_requests_rate(
    ada: Api, monkeypatch: pytest.MonkeyPatch
):
    ada.post("notifications", body("high"), status=202)  # every look-up is cached now
    calls = []
    asked = redis.connection.Connection.send_packed_command

    def counted(self: Any, *args: Any, **options: Any) -> Any:
        calls.append(args)
        return asked(self, *args, **options)

    monkeypatch.setattr(redis.connection.Connection, "send_packed_command", counted)
    ada.post("notifications", body("high"), status=202)
    assert len(calls) == 1


@pytest.mark.parametrize("posted", [b"{", b"[]", b'{"priority": 7}', b'{"priority": ["high"]}'])
def test_what_cannot_be_read_is_refused_as_ever(ada: Api, posted: bytes):
    answer = ada._client.post(
        "/v1/notifications",
        posted,
        content_type="application/json",
        headers={"Authorization": f"Bearer {ada.key}"},
    )
    assert answer.status_code == 400, answer.content
    assert "RateLimit-Remaining" in answer.headers


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
