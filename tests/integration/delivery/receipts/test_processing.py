"""The task that reads stored receipts: in batches, one at a time, waiting for nobody."""

import threading

from django.db import connection, transaction

from apps.delivery import sealed_content
from apps.delivery.maintenance import retention
from apps.delivery.models import Delivery, Notification, Receipt
from apps.delivery.receipts import processing
from apps.preferences.models import Suppression
from stack.supervision.process import PATIENCE
from tests.support.deliveries.signed_receipts import (
    EMAIL,
    by_sendgrid,
    events_of,
    post_receipt,
    read_receipts,
)
from tests.support.publishers.lookups import forget_lookups
from tests.support.publishers.shop import delivery_of


def test_a_status_webhook_reports_what_a_receipt_says(shop, callback, send):
    forget_lookups()
    told_of = {"url": "https://shop.example.com/hooks", "events": ["bounced"]}
    shop.post("status-webhooks", told_of, status=201)
    posted = send("email", EMAIL)
    post_receipt(by_sendgrid((delivery_of(shop, posted)["id"], "delivered")))
    read_receipts()
    post_receipt(by_sendgrid((delivery_of(shop, posted)["id"], "bounce")))
    read_receipts()
    [telling] = Notification.objects.filter(kind="status")
    said = sealed_content.unseal(telling.pk, telling.content)
    assert said.event_type == "delivery.bounced"
    [one] = said.data["deliveries"]
    assert (one["state"], one["reason"]) == ("bounced", "hard_bounce")
    assert shop.counts(posted) == {"email": {"bounced": 1}}
    forget_lookups()


def test_a_receipt_that_cannot_be_read_stops_no_other(shop, callback, send, caplog):
    posted = send("email", EMAIL)
    post_receipt(by_sendgrid(body=b'{"not": "a list"}'))
    post_receipt(by_sendgrid((delivery_of(shop, posted)["id"], "delivered")))
    read_receipts()
    assert delivery_of(shop, posted)["state"] == "delivered"
    assert "cannot be read" in caplog.text
    assert not Receipt.objects.filter(read_at=None).exists()


def test_one_reads_and_the_others_leave_it_to_them(shop, callback, send):
    posted = send("email", EMAIL)
    post_receipt(by_sendgrid((delivery_of(shop, posted)["id"], "delivered")))
    held, done = threading.Event(), threading.Event()

    def another() -> None:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s, %s)", processing.LOCK)
            held.set()
            done.wait(PATIENCE)
        connection.close()

    thread = threading.Thread(target=another)
    thread.start()
    try:
        assert held.wait(PATIENCE)
        assert processing.read() == 0
    finally:
        done.set()
        thread.join()
    assert processing.read() == 1
    assert delivery_of(shop, posted)["state"] == "delivered"


def test_a_flood_is_read_in_batches(shop, callback, send, monkeypatch):
    monkeypatch.setattr(processing, "AT_ONCE", 4)
    monkeypatch.setattr(processing, "EVENTS_AT_ONCE", 2)
    posted = send("email", EMAIL)
    name = delivery_of(shop, posted)["id"]
    for event in ("processed", "deferred", "delivered", "open", "click", "spamreport", "open"):
        post_receipt(by_sendgrid((name, event)))
    assert processing.read() == 7
    row = delivery_of(shop, posted)
    assert row["state"] == "delivered"
    assert [event for event, _ in events_of(row)] == ["deferred", "delivered", "complained"]


def test_a_delivery_that_a_worker_is_writing_is_not_waited_for(shop, callback, send):
    posted = send("email", EMAIL)
    row = delivery_of(shop, posted)
    post_receipt(by_sendgrid((row["id"], "bounce")))
    held, done = threading.Event(), threading.Event()

    def worker() -> None:
        with transaction.atomic():
            list(Delivery.objects.select_for_update().all())
            held.set()
            done.wait(PATIENCE)
        connection.close()

    thread = threading.Thread(target=worker)
    thread.start()
    try:
        assert held.wait(PATIENCE)
        read_receipts()
        assert delivery_of(shop, posted)["state"] == "accepted"
        assert Suppression.objects.get().reason == "hard_bounce"
    finally:
        done.set()
        thread.join()
    read_receipts()
    assert delivery_of(shop, posted)["state"] == "bounced"


def test_what_was_read_is_dropped_after_a_day(callback, db):
    post_receipt(by_sendgrid())
    read_receipts()
    Receipt.objects.update(received_at="2020-01-01T00:00:00Z")
    post_receipt(by_sendgrid())
    retention.purge()
    assert Receipt.objects.count() == 1, "the one that is not read is kept"
