"""Erasure from rows that others have a part in, or change at the same time."""

import threading
import time
from datetime import timedelta
from types import SimpleNamespace

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from apps.core import clock
from apps.delivery.maintenance import erasure as deliveries
from apps.delivery.models import Chunk, Delivery, IdempotencyKey, Notification, Reply
from apps.delivery.ordering import ordering_keys
from apps.preferences.models import Suppression
from apps.privacy import erasure, tasks
from apps.privacy.models import Erasure
from stack.supervision.process import PATIENCE
from tests.support.database import locks_of, run_and_close
from tests.support.deliveries.signed_replies import Phone
from tests.support.personal.marked_person import ADA, MAIL, MARK, PHONE, Person
from tests.support.waiting import somebody_waits, until


@pytest.fixture
def person(shop, work, phone, outside, callback, fresh_counters) -> Person:
    return Person(shop, work, phone, outside)


def erase(shop):
    assert shop.http.delete(f"/v1/recipients/{ADA}").status_code == 202
    tasks.erase.apply(throw=True)


def test_keys_are_looked_through_once_however_many_batches_there_are(
    person, shop, operator, monkeypatch
):
    person.plant(operator)
    monkeypatch.setattr(deliveries, "AT_ONCE", 1)
    assert IdempotencyKey.objects.filter(key__contains=MARK).count() > 5
    with CaptureQueriesContext(connection) as asked:
        erase(shop)
    about_keys = [one["sql"] for one in asked if "delivery_idempotencykey" in one["sql"]]
    assert len(about_keys) <= 5
    assert not IdempotencyKey.objects.filter(key__contains=MARK).exists()
    assert Erasure.objects.get().state == "done"


def test_chunks_are_looked_through_in_windows_and_twice_at_most(
    person, shop, operator, monkeypatch
):
    monkeypatch.setattr(deliveries, "CHUNKS_AT_ONCE", 3)
    person.register()
    later = (clock.moment() + timedelta(days=100)).isoformat()
    for number in range(4):
        person.notify(f"alone-{number}", channels=["push"], send_at=later)
        person.notify_both(f"both-{number}", channels=["inbox"], send_at=later)
    windows = Chunk.objects.count() // 3 + 1
    assert windows > 2
    with CaptureQueriesContext(connection) as asked:
        erase(shop)
    said = [one["sql"] for one in asked if "ANY(recipient_ids)" in one["sql"]]
    assert all("id >= " in sql or "id = ANY" in sql for sql in said)
    assert 2 <= sum("id >= " in sql for sql in said) <= 2 * (windows + 1)
    assert Erasure.objects.get().state == "done"
    left = Chunk.objects.exclude(state="done").values_list("recipient_ids", flat=True)
    assert [len(ids) for ids in left] == [1] * 4


def test_looking_through_chunks_is_not_counted_to_the_turn_of_an_erasure(
    person, shop, operator, monkeypatch
):
    person.plant(operator)
    monkeypatch.setattr(deliveries, "AT_ONCE", 1)
    monkeypatch.setattr(erasure, "TURN", 600.0)
    passed, chunks_of = [], deliveries.chunks_of

    def for_an_hour(*arguments):
        passed.append(3600.0)
        return chunks_of(*arguments)

    monkeypatch.setattr(deliveries, "chunks_of", for_an_hour)
    clock_of_turns = SimpleNamespace(monotonic=lambda: time.monotonic() + sum(passed))
    monkeypatch.setattr(erasure, "time", clock_of_turns)
    erase(shop)
    assert Erasure.objects.get().state == "done", "in one turn"


def test_content_that_retention_deletes_meanwhile_does_not_come_back(person, operator):
    person.plant(operator)
    events = Notification.objects.filter(kind="status").exclude(content=b"")
    assert events.exists()
    Delivery.objects.update(recipient_id=None)  # those of the person have come before

    def look_through():
        for _ in deliveries.erase_from_events(ADA, clock.moment(), ""):
            pass

    worker = threading.Thread(target=run_and_close, args=[look_through])
    with locks_of("UPDATE delivery_notification SET content = '' WHERE kind = 'status'"):
        worker.start()
        until(somebody_waits)
    worker.join()
    assert not events.exists()


def test_a_reply_of_somebody_with_the_same_last_digits_says_still_from_where_it_came(person, shop):
    person.register()
    person.phone.write("Hello")
    other = Phone(person.phone.options, number=f"+4369900{PHONE[-6:]}")
    other.write("Hello")
    [mask] = set(Reply.objects.values_list("masked", flat=True))
    assert mask
    erase(shop)
    assert sorted(Reply.objects.values_list("masked", flat=True)) == ["", mask]


def test_an_address_that_is_somebody_elses_now_stays_theirs(person, shop):
    person.register()
    [mail] = [
        one["id"] for one in shop.get(f"recipients/{ADA}")["contacts"] if one["channel"] == "email"
    ]
    assert shop.http.delete(f"/v1/recipients/{ADA}/contacts/{mail}").status_code == 204
    shop.post("topics", {"name": "news"}, status=201)
    subscription = {"channel": "email", "address": MAIL}
    shop.post("topics/news/subscriptions", subscription, status=200)
    shop.post("suppressions", {**subscription, "reason": "manual"}, status=201)
    erase(shop)
    assert Erasure.objects.get().state == "done"
    [kept] = shop.get("topics/news/subscriptions")["data"]
    assert kept["channel"] == "email"
    assert Suppression.objects.get().masked


@pytest.mark.parametrize("whose", ["the next one's", "its own, which a worker took before"])
def test_an_erasure_that_waits_for_a_chunk_keeps_no_line_waiting(person, whose):
    person.register()
    first, second = (
        person.notify(name, channels=["push"], ordering_key="orders")["id"]
        for name in ("first", "second")
    )
    Chunk.objects.filter(notification_id=first).update(fence=0 if "next" in whose else 1)
    waited_for = second if "next" in whose else first
    answer = person.shop.http.delete(f"/v1/recipients/{ADA}")
    assert answer.status_code == 202
    worker = threading.Thread(target=run_and_close, args=[lambda: tasks.erase.apply(throw=True)])
    with locks_of("SELECT FROM delivery_chunk WHERE notification_id = %s FOR UPDATE", waited_for):
        worker.start()
        until(somebody_waits)
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND classid = %s",
                [ordering_keys.LINE],
            )
            assert cursor.fetchone() == (0,)
    worker.join()
    assert Erasure.objects.get().state == "done"


def test_a_schedule_that_is_written_while_the_erasure_waits_for_it_is_erased(person, shop):
    person.register()
    body = {
        "name": "late",
        "cron": "0 8 1 1 *",
        "time_zone": "UTC",
        "notification": {"user_id": ADA, "content": {"title": "Late"}},
    }

    def post():
        shop.post("schedules", body, status=201)

    posts = threading.Thread(target=run_and_close, args=[post])
    with locks_of("SELECT FROM publishers_publisher WHERE id = %s FOR NO KEY UPDATE", shop.id):
        posts.start()
        until(somebody_waits)
        erase(shop)
        assert Erasure.objects.get().state == "erasing"
    posts.join()
    tasks.erase.apply(throw=True)
    assert Erasure.objects.get().state == "done"
    assert shop.get("schedules")["data"] == []


def test_a_reply_that_is_written_while_the_erasure_begins_does_not_say_from_where_it_came(
    person, shop
):
    person.register()
    taken, release = threading.Event(), threading.Event()

    def reply():
        with transaction.atomic():
            person.phone.write("Hello")
            taken.set()
            release.wait(PATIENCE)

    late = threading.Thread(target=run_and_close, args=[reply])
    late.start()
    assert taken.wait(PATIENCE)
    erase(shop)
    release.set()
    late.join()
    assert Reply.objects.exclude(masked="").exists()
    tasks.erase.apply(throw=True)
    assert Erasure.objects.get().state == "done"
    assert not Reply.objects.exclude(masked="", address_index=None).exists()


def test_what_was_for_them_alone_leads_to_no_trace(person, shop):
    person.register()
    traced = person.notify("alone", channels=["inbox"])["id"]
    person.work()
    rows = Notification.objects.filter(pk=traced)
    rows.update(traceparent=b"of a trace")
    erase(shop)
    assert rows.get().traceparent is None
