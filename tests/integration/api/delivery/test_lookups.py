"""Look-ups behind the cache: a change is seen everywhere at once, and Redis may be gone."""

import json
import logging
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import pytest
import redis
from django.conf import settings
from django.db import connection
from django.test.utils import CaptureQueriesContext

from apps.core import cache
from apps.publishers import services
from apps.publishers.models import ApiKey, Publisher
from apps.publishers.selectors import get_key, get_publisher
from apps.topics.models import Topic
from apps.topics.selectors import get_topic, get_topic_by_id
from stack.supervision.process import PATIENCE
from tests.support.publishers.api_client import Api
from tests.support.waiting import until

ROOT = Path(__file__).resolve().parents[4]
#: Another process: it looks up what it is asked for and says what it sees.
OTHER = """
import json, sys, django
django.setup()
from apps.core import cache
from apps.publishers.selectors import get_key
cache.LOCAL_SECONDS = 3600  # it sees what is published, or nothing new
cache.ANSWER_SECONDS = 60
from apps.topics.selectors import get_topic
for line in sys.stdin:
    prefix, name = json.loads(line)
    key, topic = get_key(prefix), get_topic(name)
    print(json.dumps({
        "revoked": key.revoked_at is not None,
        "delay": topic and topic.delay,
        "granted": topic and len(topic.granted_ids),
    }), flush=True)
"""


@pytest.fixture
def other_process(transactional_db: None) -> Iterator[Callable[..., dict[str, Any]]]:
    url = urlsplit(os.environ["DATABASE_URL"])
    others = listeners()
    process = subprocess.Popen(
        [sys.executable, "-c", OTHER],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={
            **os.environ,
            "DATABASE_URL": urlunsplit(url._replace(path="/" + connection.settings_dict["NAME"])),
            "DJANGO_SETTINGS_MODULE": "config.settings",
        },
    )

    def ask(prefix: str, name: str) -> dict[str, Any]:
        """Return its answer. It listens by the end of the first call."""
        process.stdin.write(json.dumps([prefix, name]) + "\n")
        process.stdin.flush()
        answer: dict[str, Any] = json.loads(process.stdout.readline())
        until(lambda: listeners() > others)
        return answer

    yield ask
    process.stdin.close()
    process.wait(PATIENCE)


def listeners() -> int:
    """Count the processes that are subscribed to changes."""
    with redis.Redis.from_url(settings.REDIS_URL) as client:
        [(_, number)] = client.pubsub_numsub(cache.CHANNEL)
    return int(number)


def test_another_process_is_notified_of_a_change(
    other_process: Callable[..., dict[str, Any]], api: Api, other: Api
):
    maker = api.post("api-keys", {"scopes": ["keys:write", "topics:read"]}, status=201)
    by_maker = Api(api.name, maker["key"], api._capture)
    made = by_maker.post("api-keys", {"scopes": ["topics:read"]}, status=201)
    api.post("topics", {"name": "news", "delay": 1}, status=201)
    prefix = made["prefix"]
    for _ in range(2):
        assert other_process(prefix, "news") == {"revoked": False, "delay": 1, "granted": 0}
    api.delete(f"api-keys/{maker['prefix']}")  # and with it what it made
    until(lambda: other_process(prefix, "news")["revoked"])
    api.patch("topics/news", {"delay": 2})
    until(lambda: other_process(prefix, "news")["delay"] == 2)
    api.put("topics/news/grants/other", status=204)
    until(lambda: other_process(prefix, "news")["granted"] == 1)
    api.delete("topics/news")
    until(lambda: other_process(prefix, "news")["delay"] is None)
    api.post("topics", {"name": "news", "delay": 3}, status=201)
    until(lambda: other_process(prefix, "news")["delay"] == 3)


def test_every_way_to_write_is_noticed(transactional_db: None):
    shop = Publisher.objects.create(name="shop")
    other = Publisher.objects.create(name="other")
    topic = Topic.objects.create(name="news", publisher=shop)
    key, _ = services.create_key(shop.pk, ["topics:read"])
    assert get_topic("news").granted_ids == frozenset()
    other.granted_topics.add(topic)
    assert get_topic("news").granted_ids == {other.pk}
    other.granted_topics.clear()
    assert get_topic("news").granted_ids == frozenset()
    topic.granted_to.set([other])
    assert get_topic_by_id(topic.pk).granted_ids == {other.pk}
    topic.granted_to.clear()
    assert get_topic_by_id(topic.pk).granted_ids == frozenset()
    assert get_publisher(shop.pk).is_active
    shop.is_active = False
    shop.save()
    assert not get_publisher(shop.pk).is_active
    assert get_key(key.prefix).revoked_at is None
    ApiKey.objects.get(pk=key.pk).delete()
    assert get_key(key.prefix) is None


def test_what_is_known_costs_no_query(
    transactional_db: None, django_assert_num_queries: Callable[..., Any]
):
    shop = Publisher.objects.create(name="shop")
    topic = Topic.objects.create(name="news", publisher=shop)
    cache._shared.connect().flushdb()
    assert get_topic("news").id == topic.pk
    with django_assert_num_queries(0):
        get_topic("news")
    for lookup in cache._lookups.values():
        lookup.forget()
    with django_assert_num_queries(0):  # from Redis
        assert get_topic("news").id == topic.pk


def test_what_is_absent_is_asked_for_again_soon(
    db: None, django_assert_num_queries: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
):
    assert get_topic("none") is None

    def known() -> bool:
        with CaptureQueriesContext(connection) as asked:
            assert get_topic("none") is None
        return not asked

    until(known)  # nothing is while the process begins to listen
    now = time.monotonic()
    monkeypatch.setattr(cache.time, "monotonic", lambda: now + 1.1)
    with django_assert_num_queries(2):
        Topic.objects.filter(name="none").first()
        assert get_topic("none") is None


def test_names_nobody_knows_do_not_fill_the_memory(db: None, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(cache, "MAX_LOCAL", 10)
    from apps.topics.selectors import topics_by_name

    for number in range(25):
        get_topic(f"none-{number}")
    assert len(topics_by_name._local) <= 10


def test_a_reader_that_read_before_a_write_does_not_put_the_old_value_back(
    transactional_db: None,
):
    shop = Publisher.objects.create(name="shop")
    topic = Topic.objects.create(name="news", publisher=shop)
    cache._shared.connect().flushdb()

    def read_then_changed(key: str) -> dict:
        value = {"delay": Topic.objects.get(name=key).delay}
        Topic.objects.filter(pk=topic.pk).update(delay=9)
        racing.changed(key)
        return value

    racing = cache.CachedLookup("racing", read_then_changed, dict, dict)
    try:
        assert racing.get("news") == {"delay": 0}
        racing._load = lambda key: {"delay": Topic.objects.get(name=key).delay}
        assert racing.get("news") == {"delay": 9}
        racing.forget()
        assert racing.get("news") == {"delay": 9}
    finally:
        del cache._lookups["racing"]


@pytest.fixture
def redis_gone(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Have Redis not answer this process; return the ports at which it was tried."""
    tried: list[int] = []
    connect = redis.Connection._connect

    def counted(self: redis.Connection) -> Any:
        if threading.current_thread() is threading.main_thread():
            tried.append(self.port)
        return connect(self)

    monkeypatch.setattr(redis.Connection, "_connect", counted)
    monkeypatch.setattr(cache, "_shared", cache._Shared())
    monkeypatch.setattr(cache, "REST_SECONDS", 3600)
    monkeypatch.setattr(settings, "REDIS_URL", "redis://127.0.0.1:1/0")
    return tried


def test_without_redis_everything_works_and_the_log_says_so_once(
    redis_gone: list[int], api: Api, caplog: pytest.LogCaptureFixture
):
    with caplog.at_level(logging.WARNING, logger=cache.__name__):
        api.post("topics", {"name": "news", "delay": 1}, status=201)
        for delay in range(2, 12):
            api.patch("topics/news", {"delay": delay})
            assert get_topic("news").delay == delay
    assert redis_gone == [1, 1], "it was asked once, and once more at once, and left alone"
    assert [record.getMessage() for record in caplog.records] == [
        "Redis does not answer (ConnectionError); look-ups go to the database, and requests are "
        "not limited"
    ]


def test_what_changed_while_redis_was_gone_is_published_when_it_is_back(
    transactional_db: None, monkeypatch: pytest.MonkeyPatch
):
    shop = Publisher.objects.create(name="shop")
    topic = Topic.objects.create(name="news", publisher=shop)
    key = "notifier:lookup:topic-name:news"
    client = redis.Redis.from_url(settings.REDIS_URL)
    client.delete(key)
    get_topic("news")
    assert json.loads(client.get(key))["delay"] == 0
    shared = cache._Shared()
    monkeypatch.setattr(cache, "_shared", shared)
    with monkeypatch.context() as gone:
        gone.setattr(settings, "REDIS_URL", "redis://127.0.0.1:1/0")
        topic.delay = 5
        topic.save()
    assert json.loads(client.get(key))["delay"] == 0, "nobody could tell Redis"
    shared._client = None
    shared._rests_until = 1.0
    shared.publish_pending()
    assert client.get(key) == b"-"
    assert get_topic("news").delay == 5
    client.close()
