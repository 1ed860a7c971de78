"""Rate limits of publishers and their daily quotas."""

import itertools
import logging
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest
import redis
from django.conf import settings
from django.test import Client

from apps.core import cache
from apps.delivery.models import Notification
from apps.publishers import daily_quota, limits
from apps.publishers.models import ApiKey, DayCount, Publisher
from apps.publishers.scopes import Scope
from tests.support.publishers.api_client import Api
from tests.support.publishers.lookups import REDIS_URL, forget_lookups


@pytest.fixture(autouse=True)
def full_buckets() -> Iterator[None]:
    """No limit of another test's publisher with the same id is left."""
    client = redis.Redis.from_url(REDIS_URL)
    for key in client.scan_iter("notifier:rate:*", count=1000):
        client.delete(key)
    limits._leases.clear()
    yield
    client.close()


def limit(api: Api, **fields: int) -> None:
    Publisher.objects.filter(name=api.name).update(**fields)
    forget_lookups()


def rate_headers(api: Api) -> tuple[int, int, int]:
    return tuple(int(api.headers[f"RateLimit-{name}"]) for name in ("Limit", "Remaining", "Reset"))


def left(api: Api) -> int:
    return rate_headers(api)[1]


def post(api: Api, status: int = 202, **fields: object) -> dict:
    body = {"user_id": "ada", "channels": ["inbox"], "content": {"body": "Hello"}, **fields}
    return api.post("notifications", body, status=status)


@pytest.fixture
def ada(api: Api) -> Api:
    api.put("recipients/ada", {}, status=201)
    return api


def test_an_answer_says_how_many_requests_are_left(api: Api):
    api.get("topics")
    assert rate_headers(api) == (2 * settings.RATE_PER_SECOND, 2 * settings.RATE_PER_SECOND - 1, 1)
    api.get("topics/nothing", status=404)
    api.post("topics", {"nothing": 1}, status=400)
    assert "RateLimit-Remaining" in api.headers
    api.call("get", "topics", status=401, headers={})
    assert "RateLimit-Remaining" not in api.headers


def test_the_schema_documents_the_limit_on_every_operation_of_publishers(client: Client):
    schema = client.get("/v1/openapi.json").json()
    operations = [
        operation
        for methods in schema["paths"].values()
        for operation in methods.values()
        if {"apiKey": []} in operation.get("security", [])
    ]
    assert len(operations) > 20
    silent = [
        operation["operationId"]
        for operation in operations
        for status in ("400", "403", "429")
        if "RateLimit-Remaining" not in operation["responses"][status].get("headers", {})
    ]
    assert silent == []
    assert schema["components"]["headers"]["RateLimit-Limit"]["schema"] == {"type": "integer"}


def test_a_burst_is_taken_and_the_next_request_gets_retry_after(api: Api):
    limit(api, rate_per_second=1, burst=3)
    for remaining in (2, 1, 0):
        api.get("topics")
        assert left(api) == remaining
    problem = api.get("topics", status=429)
    assert problem["type"] == "/problems/rate-limited"
    assert api.headers["Retry-After"] == "1"
    assert rate_headers(api) == (3, 0, 3)


def test_capacity_comes_back_with_time(api: Api):
    limit(api, rate_per_second=1, burst=1)
    api.get("topics")
    api.get("topics", status=429)
    client = redis.Redis.from_url(REDIS_URL)
    publisher = Publisher.objects.get(name=api.name).pk
    full_at = int(client.get(f"notifier:rate:{publisher}") or 0)  # it may be full by now
    while client.time()[0] * 1_000_000 + client.time()[1] < full_at:
        pass
    api.get("topics")
    client.close()


def test_a_bucket_that_is_full_again_does_not_stay_in_redis(api: Api):
    limit(api, rate_per_second=1, burst=100)
    api.get("topics")
    client = redis.Redis.from_url(REDIS_URL)
    [key] = client.scan_iter("notifier:rate:*")
    assert 0 < client.pttl(key) <= 1000
    client.close()


def test_of_many_requests_few_ask_redis(api: Api, monkeypatch: pytest.MonkeyPatch):
    client = redis.Redis.from_url(REDIS_URL)

    def asked() -> int:
        return client.info("commandstats").get("cmdstat_evalsha", {"calls": 0})["calls"]

    limit(api, rate_per_second=10_000, burst=20_000)
    before, requests = asked(), 100
    # A request every five milliseconds, however slow the machine.
    ticks = (tick * 0.005 for tick in itertools.count())
    monkeypatch.setattr(limits, "time", SimpleNamespace(monotonic=lambda: next(ticks)))
    for _ in range(requests):
        api.get("topics")
    assert asked() - before < requests / 2
    client.close()


def test_what_processes_take_at_once_is_never_more_than_there_is(
    api: Api, client: Client, monkeypatch: pytest.MonkeyPatch
):
    limit(api, rate_per_second=5, burst=100)  # far fewer than the slowest machine asks for
    processes: list[dict] = [{}, {}]
    taken, lowest, begun = 0, 100, time.monotonic()
    for number in range(400):
        monkeypatch.setattr(limits, "_leases", processes[number // 10 % 2])
        answer = client.get("/v1/topics", headers={"Authorization": f"Bearer {api.key}"})
        taken += answer.status_code == 200
        lowest = min(lowest, int(answer["RateLimit-Remaining"]))
    most = 100 + 5 * (time.monotonic() - begun)
    assert most * 0.8 <= taken <= most + 1
    assert lowest == 0


def test_one_publishers_requests_are_not_anothers(api: Api, other: Api):
    limit(api, rate_per_second=1, burst=1)
    api.get("topics")
    api.get("topics", status=429)
    other.get("topics")


def test_of_a_publishers_and_its_keys_rate_the_stricter_counts(api: Api):
    made = api.post("api-keys", {"scopes": ["topics:read"]}, status=201)
    ApiKey.objects.filter(prefix=made["prefix"]).update(rate_per_second=1, burst=2)
    forget_lookups()
    narrow = Api(api.name, made["key"], api._capture)
    narrow.get("topics")
    narrow.get("topics")
    assert rate_headers(narrow) == (2, 0, 2)
    before = left_of_publisher(api)
    narrow.get("topics", status=429)
    assert left_of_publisher(api) == before - 1, "what the key is refused costs its publisher none"


def left_of_publisher(api: Api) -> int:
    limit(api, rate_per_second=1, burst=100)  # nothing comes back while the test runs
    api.get("topics")
    return left(api)


def test_a_bulk_call_is_one_request(api: Api):
    limit(api, rate_per_second=1, burst=10)
    api.post("recipients/bulk", {"recipients": [{"user_id": f"u{n}"} for n in range(50)]})
    assert left(api) == 9


def test_without_the_scope_a_request_counts_as_well(publisher: Callable[..., Api]):
    narrow = publisher("narrow", [Scope.TOPICS_READ])
    limit(narrow, rate_per_second=1, burst=1)
    narrow.get("recipients", status=403)
    narrow.get("recipients", status=429)


def test_redis_may_forget_the_script(api: Api):
    api.get("topics")
    client = redis.Redis.from_url(REDIS_URL)
    client.script_flush()
    client.close()
    api.get("topics")
    assert left(api) >= 2 * settings.RATE_PER_SECOND - 2


def test_while_redis_is_gone_requests_pass_unlimited(
    api: Api, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
):
    limit(api, rate_per_second=1, burst=1)
    monkeypatch.setattr(cache, "_shared", cache._Shared())
    monkeypatch.setattr(settings, "REDIS_URL", "redis://127.0.0.1:1/0")
    counted = limits.UNLIMITED._value.get()
    with caplog.at_level(logging.WARNING, logger="apps"):
        for _ in range(5):
            api.get("topics")
    assert "RateLimit-Limit" not in api.headers
    assert limits.UNLIMITED._value.get() == counted + 5
    assert [record.getMessage() for record in caplog.records] == [
        "Redis does not answer (ConnectionError); look-ups go to the database, and requests are "
        "not limited"
    ]


def test_a_clock_set_back_does_not_shut_a_publisher_out(api: Api):
    limit(api, rate_per_second=1000, burst=10)
    client = redis.Redis.from_url(REDIS_URL)
    publisher = Publisher.objects.get(name=api.name).pk
    client.set(f"notifier:rate:{publisher}", 2**52)
    api.get("topics", status=429)
    assert rate_headers(api) == (10, 0, 1)
    client.close()


# -- Quota ------------------------------------------------------------------------------------


def test_what_is_beyond_the_days_quota_is_refused_until_midnight(ada: Api):
    limit(ada, quota_per_day=2)
    post(ada)
    post(ada)
    problem = post(ada, status=429)
    assert problem["type"] == "/problems/quota-exceeded"
    midnight = datetime.now(UTC).date() + timedelta(days=1)
    seconds = datetime(midnight.year, midnight.month, midnight.day, tzinfo=UTC) - datetime.now(UTC)
    assert abs(int(ada.headers["Retry-After"]) - seconds.total_seconds()) <= 2
    assert Notification.objects.count() == 2, "what was refused left nothing"
    ada.get("notifications")


def test_a_new_day_has_a_new_quota(ada: Api):
    limit(ada, quota_per_day=1)
    post(ada)
    post(ada, status=429)
    DayCount.objects.update(day=datetime.now(UTC).date() - timedelta(days=1))
    post(ada)


def test_a_quota_of_none_accepts_nothing(ada: Api):
    limit(ada, quota_per_day=0)
    post(ada, status=429)


def test_publishing_to_a_topic_counts_as_one(ada: Api):
    limit(ada, quota_per_day=1)
    ada.post("topics", {"name": "news"}, status=201)
    ada.post("topics/news/publish", {"content": {"body": "Hello"}}, status=202)
    ada.post("topics/news/publish", {"content": {"body": "Hello"}}, status=429)


def test_of_a_batch_that_crosses_the_quota_the_first_are_accepted(ada: Api):
    limit(ada, quota_per_day=3)
    post(ada)
    item = {"user_id": "ada", "channels": ["inbox"], "content": {"body": "Hello"}}
    batch = [item, {"content": {"body": "To nobody"}}, item, item, item]
    results = ada.post("notifications/batch", {"notifications": batch}, status=202)["results"]
    assert [result["status"] for result in results] == [
        "accepted",
        "error",
        "accepted",
        "error",
        "error",
    ]
    kinds = [result["problem"]["type"] for result in results if "problem" in result]
    assert kinds == ["/problems/invalid-request", *["/problems/quota-exceeded"] * 2]
    post(ada, status=429)


def test_a_replay_costs_no_quota(ada: Api):
    limit(ada, quota_per_day=1)
    body = {"user_id": "ada", "channels": ["inbox"], "content": {"body": "Hello"}}
    headers = {"Authorization": f"Bearer {ada.key}", "Idempotency-Key": "one"}
    first = ada.call("post", "notifications", body, 202, headers=headers)
    assert ada.call("post", "notifications", body, 202, headers=headers) == first
    account = daily_quota.Account(Publisher.objects.get(name=ada.name).pk, high=False)
    assert daily_quota.used(account) == 1


def test_a_key_refused_for_the_quota_may_be_used_again(ada: Api):
    limit(ada, quota_per_day=0)
    body = {"user_id": "ada", "channels": ["inbox"], "content": {"body": "Hello"}}
    headers = {"Authorization": f"Bearer {ada.key}", "Idempotency-Key": "one"}
    ada.call("post", "notifications", body, 429, headers=headers)
    limit(ada, quota_per_day=1)
    ada.call("post", "notifications", body, 202, headers=headers)
