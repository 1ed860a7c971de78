"""A host whose clock is a minute off judges by the database's."""

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection
from django.utils import timezone

from apps.core import clock
from apps.preferences.models import Recipient
from apps.publishers.models import ApiKey
from tests.support.publishers.shop import Shop, make_shop


@pytest.fixture
def shop(transactional_db: None) -> Shop:
    shop = make_shop()
    Recipient.objects.create(user_id="ada")
    return shop


@pytest.fixture(params=[60.0, -60.0], ids=["ahead", "behind"])
def off(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[float]:
    """Set this host's clock off by so many seconds."""
    real, real_now = time.time, timezone.now
    with monkeypatch.context() as wrong:
        wrong.setattr(time, "time", lambda: real() + request.param)
        wrong.setattr(timezone, "now", lambda: real_now() + timedelta(seconds=request.param))
        wrong.setattr(clock, "_measured_at", float("-inf"))
        connection.close()
        yield request.param
    clock.synchronize(time.time())


def databases_time() -> datetime:
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        return cursor.fetchone()[0].astimezone(UTC)


def test_what_is_still_worth_something_is_taken(shop: Shop, off: float) -> None:
    body = {"user_id": "ada", "content": {"body": "Hi"}}
    at = (databases_time() + timedelta(seconds=30)).isoformat()
    shop.post("notifications", {**body, "expires_at": at})


def test_what_is_over_is_refused(shop: Shop, off: float) -> None:
    body = {"user_id": "ada", "content": {"body": "Hi"}}
    at = (databases_time() - timedelta(seconds=30)).isoformat()
    shop.post("notifications", {**body, "expires_at": at}, status=400)


def test_a_key_ends_when_it_ends(shop: Shop, off: float) -> None:
    late, now = make_shop("late"), databases_time()
    for one, seconds in ((shop, 30), (late, -30)):
        ends = now + timedelta(seconds=seconds)
        ApiKey.objects.filter(publisher_id=one.id).update(expires_at=ends)
    shop.get("topics")
    late.get("topics", status=401)


def test_what_a_model_dates_by_itself_is_dated_by_the_database(shop: Shop, off: float) -> None:
    person = Recipient.objects.create(user_id="bob")
    assert abs((person.created_at - databases_time()).total_seconds()) < 30
