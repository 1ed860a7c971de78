"""Failures of traces cost spans, and nothing that is accepted, sent or told."""

import pytest
from django.db import connection, transaction
from prometheus_client import REGISTRY

from apps.core import tracing
from apps.delivery.models import Delivery, Notification
from apps.inbox.stream.events_of_inboxes import Asked, read_changes
from apps.schedules import running
from apps.schedules.models import Schedule
from tests.support.deliveries.signed_receipts import (
    EMAIL,
    PHONE,
    by_sendgrid,
    post_receipt,
    read_receipts,
)
from tests.support.deliveries.status_webhooks import received, register_webhook
from tests.support.publishers.people import recipient
from tests.support.publishers.shop import delivery_of
from tests.support.waiting import until

HELLO = {"title": "Hello", "body": "There"}
#: The counter of spans that were exported, and that were not.
SPANS = "notifier_spans_total"


def counted(outcome):
    """Spans with this outcome so far."""
    return REGISTRY.get_sample_value(SPANS, {"outcome": outcome}) or 0


def without_look_ups(execute, sql, params, many, context):
    """Have the database refuse what looks up places of spans alone."""
    if "traceparent IS NOT NULL" in sql:
        sql, params = "SELECT 1 / 0", None
    return execute(sql, params, many, context)


def test_a_look_up_for_spans_that_fails_costs_no_receipt_and_no_webhook(
    shop, work, outside, callback, collector
):
    register_webhook(shop, outside, "delivered")
    recipient("ada", email=EMAIL)
    posted = shop.post("notifications", {"user_id": "ada", "content": HELLO, "channels": ["email"]})
    work()
    post_receipt(by_sendgrid((delivery_of(shop, posted)["id"], "delivered")))
    with connection.execute_wrapper(without_look_ups):
        read_receipts()
    assert delivery_of(shop, posted)["state"] == "delivered"
    work()
    assert received(outside)


def test_a_look_up_for_spans_that_fails_keeps_nothing_from_the_stream(shop, work, collector):
    recipient("ada")
    shop.post("notifications", {"user_id": "ada", "content": HELLO, "channels": ["inbox"]})
    work()
    asked = Asked(0, 0, listening=True)
    with connection.execute_wrapper(without_look_ups):
        missed = read_changes({"ada": [asked]})["ada"].missed[asked]
    assert [(row.name, row.sampled) for row in missed.rows] == [("item", None)]


def test_what_is_rolled_back_has_no_spans(shop, work, outside, callback, collector):
    register_webhook(shop, outside, "delivered")
    recipient("ada", email=EMAIL)
    said = {"user_id": "ada", "content": HELLO, "channels": ["email"]}
    posted = shop.post("notifications", said)
    work()
    post_receipt(by_sendgrid((delivery_of(shop, posted)["id"], "delivered")))
    daily = {"name": "daily", "cron": "0 9 * * *", "time_zone": "UTC", "notification": said}
    shop.post("schedules", daily, status=201)
    with transaction.atomic():
        read_receipts()
        assert running.run_now(Schedule.objects.get())
        assert Notification.objects.count() == 3
        transaction.set_rollback(True)
    tracing.stop()
    assert collector.spans
    assert {"receipt", "accept status", "run schedule"}.isdisjoint(s.name for s in collector.spans)


def test_of_a_batch_as_many_are_traced_as_may_be(shop, work, texts, collector, caller, monkeypatch):
    trace, _, traceparent = caller
    monkeypatch.setattr(tracing, "MOST", 2)
    before = counted("dropped")
    recipient("ada", sms=PHONE)
    one = {"user_id": "ada", "content": HELLO, "channels": ["sms"]}
    shop.post("notifications/batch", {"notifications": [one] * 5}, traceparent=traceparent)
    work()
    collector.wait_for(trace, *["send sms"] * 2)
    assert Notification.objects.filter(traceparent=None).count() == 3
    assert counted("dropped") - before == 3


def test_of_a_claim_as_many_are_traced_as_may_be(shop, work, texts, collector, monkeypatch):
    monkeypatch.setattr(tracing, "MOST", 2)
    recipient("ada", sms=PHONE)
    body = {"user_id": "ada", "content": HELLO, "channels": ["sms"]}
    before = counted("dropped")
    for _ in range(5):
        shop.post("notifications", body)
    work()
    assert Delivery.objects.filter(state="accepted").count() == 5
    until(lambda: counted("dropped") - before == 3)
    tracing.stop()
    assert len([one for one in collector.spans if one.name == "send sms"]) == 2


@pytest.mark.parametrize("trouble", ["away", "failing"])
def test_a_collector_in_trouble_costs_spans_and_nothing_else(
    shop, work, texts, collector, caller, trouble
):
    if trouble == "away":
        collector.close()
    collector.status = 400
    before = counted("failed")
    trace, _, traceparent = caller
    recipient("ada", sms=PHONE)
    body = {"user_id": "ada", "content": HELLO, "channels": ["sms"]}
    posted = shop.post("notifications", body, traceparent=traceparent)
    work()
    assert shop.counts(posted) == {"sms": {"accepted": 1}}
    until(lambda: counted("failed") > before)
    assert not collector.of(trace)


def test_more_spans_than_may_wait_are_dropped_and_counted(settings, collector):
    names = ("exported", "failed", "dropped")
    collector.close()
    before = {name: counted(name) for name in names}
    tracer = tracing.tracer
    begun = tracer.begin()
    for _ in range(10_000):
        tracer.record("accept", begun, tracing.now(), tracing.now(), {})
    tracing.stop()
    until(lambda: counted("failed") > before["failed"])
    lost = {name: counted(name) - before[name] for name in names}
    assert lost["dropped"] > 0
    assert lost["exported"] == 0
    assert lost["failed"] + lost["dropped"] <= 10_000
