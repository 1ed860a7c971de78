"""One trace for a notification: from the request to the provider, its receipt and whom it told."""

import logging
import time

import pytest
from rest_framework.test import APIClient

from apps.core import tracing
from apps.delivery.models import Delivery, Notification
from apps.delivery.status_webhooks import health as webhook_health
from config.logs.filters import About
from notifier.domain.outcomes import Accepted, Reason, Refused, Retry
from notifier.security.tokens import sign
from tests.support.deliveries.signed_receipts import (
    EMAIL,
    PHONE,
    by_sendgrid,
    post_receipt,
    read_receipts,
)
from tests.support.deliveries.status_webhooks import received, register_webhook
from tests.support.fakes.jwks_server import lasting
from tests.support.publishers.inboxes import SECRET
from tests.support.publishers.people import recipient, subscribe
from tests.support.publishers.shop import delivery_of
from tests.support.publishers.streams import streaming
from tests.support.waiting import until

HELLO = {"title": "Hello", "body": "There"}
#: The spans of a claim with one call.
CLAIM = ("claim", "render", "record")


def test_a_single_is_one_trace_from_the_request_to_the_record(shop, work, texts, collector, caller):
    trace, span, traceparent = caller
    recipient("ada", sms=PHONE)
    body = {"user_id": "ada", "content": HELLO, "channels": ["sms"], "priority": "high"}
    began = time.time()
    posted = shop.post("notifications", body, traceparent=traceparent)
    work()
    names = ("POST /v1/notifications", "accept", "process deliver.sms.high", "send sms", *CLAIM)
    spans = {one.name: one for one in collector.wait_for(trace, *names)}
    assert sorted(spans) == sorted(names)
    request, accept, process = (spans[name] for name in names[:3])
    assert (request.parent, request.kind) == (span, "server")
    assert request.attributes["http.response.status_code"] == 202
    assert (accept.parent, accept.kind) == (request.id, "producer")
    assert (process.parent, process.kind) == (accept.id, "consumer")
    assert {spans[name].parent for name in ("send sms", *CLAIM)} == {process.id}
    sent = spans["send sms"]
    assert sent.kind == "client"
    assert sent.attributes == {
        "notifier.notification.id": posted["id"],
        "notifier.delivery.id": delivery_of(shop, posted)["id"],
        "notifier.channel": "sms",
        "notifier.provider": "twilio",
        "notifier.attempt": 1,
        "notifier.outcome": "accepted",
        "notifier.state": "accepted",
    }
    for one in spans.values():
        assert began - 1 <= one.since <= one.until <= time.time() + 1
    for secret in (b"ada", PHONE.encode(), b"Hello"):
        assert not any(secret in raw for raw in collector.raw)


def test_a_retry_is_in_the_trace_of_the_first_attempt(shop, work, wake, texts, collector, caller):
    trace, _, traceparent = caller
    recipient("ada", sms=PHONE)
    answers = iter([Retry(Reason.PROVIDER_ERROR, status=500), Accepted("id")])
    texts.answer = staticmethod(lambda message: next(answers))
    body = {"user_id": "ada", "content": HELLO, "channels": ["sms"]}
    shop.post("notifications", body, traceparent=traceparent)
    work()
    wake()
    work()
    spans = collector.wait_for(trace, "send sms", "send sms")
    first, second = sorted((one for one in spans if one.name == "send sms"), key=lambda s: s.since)
    assert first.failed and not second.failed
    assert first.attributes["notifier.outcome"] == "retry"
    assert first.attributes["notifier.reason"] == "provider_error"
    assert first.attributes["http.response.status_code"] == 500
    assert second.attributes["notifier.attempt"] == 2
    assert second.attributes["http.request.resend_count"] == 1


@pytest.mark.parametrize(
    ("condition", "named"),
    [({}, {"notifier.fallback": True}), ({"unless": "read"}, {"notifier.step": 1})],
)
def test_a_fallback_is_in_the_trace_of_what_it_stands_in_for(
    shop, workers, later, texts, collector, caller, condition, named
):
    trace, _, traceparent = caller
    recipient("ada", sms=PHONE)
    texts.answer = staticmethod(lambda message: Refused(Reason.REJECTED))
    fallback = {"channel": "inbox", "after_seconds": 60, **condition}
    body = {"user_id": "ada", "content": HELLO, "channels": ["sms"], "fallback": fallback}
    shop.post("notifications", body, traceparent=traceparent)
    workers()
    later(61)
    spans = {one.name: one for one in collector.wait_for(trace, "send sms", "send inbox")}
    assert spans["send sms"].failed
    assert named.items() <= spans["send inbox"].attributes.items()


def test_a_blast_has_as_many_spans_as_chunks_whatever_it_is_sent_to(
    shop, work, texts, collector, caller, settings
):
    settings.CHUNK_SIZE = 10
    trace, _, traceparent = caller
    news = shop.topic()
    for number in range(25):
        person = recipient(f"person{number}", sms=f"+43660123456{number:02}")
        subscribe(news, person, "sms")
    body = {"content": HELLO, "channels": ["sms"]}
    posted = shop.post("topics/news/publish", body, traceparent=traceparent)
    work()
    assert shop.counts(posted) == {"sms": {"accepted": 25}}
    spans = collector.wait_for(trace, "fan_out", "send sms")
    until(lambda: _number(collector.of(trace)) == 25)
    spans = collector.of(trace)
    processes = [one for one in spans if one.name == "process deliver.sms.normal"]
    assert len(processes) <= 3
    assert len([one for one in spans if one.name == "send sms"]) == len(processes)
    [accept] = [one for one in spans if one.name == "accept"]
    [cut] = [one for one in spans if one.name == "fan_out"]
    assert {one.parent for one in (cut, *processes)} == {accept.id}


def _number(spans):
    """Messages that the calls of these spans carried, as far as they were taken."""
    sent = [one.attributes for one in spans if one.name == "send sms"]
    return sum(one.get("notifier.outcome.accepted", 1) for one in sent)


def test_a_receipt_is_in_the_trace_and_so_is_who_is_told_of_it(
    shop, work, outside, callback, collector, caller
):
    trace, _, traceparent = caller
    register_webhook(shop, outside, "delivered")
    recipient("ada", email=EMAIL)
    body = {"user_id": "ada", "content": HELLO, "channels": ["email"]}
    posted = shop.post("notifications", body, traceparent=traceparent)
    work()
    post_receipt(by_sendgrid((delivery_of(shop, posted)["id"], "delivered")))
    read_receipts()
    work()
    assert received(outside)
    names = ("send email", "receipt", "accept status", "send webhook")
    spans = {one.name: one for one in collector.wait_for(trace, *names)}
    receipt, told = spans["receipt"], spans["accept status"]
    assert receipt.attributes["notifier.event"] == "delivered"
    assert receipt.attributes["messaging.operation.type"] == "settle"
    accept = spans["accept"]
    assert {receipt.parent, told.parent} == {accept.id}
    assert spans["process deliver.webhook.low"].parent == told.id
    call = spans["send webhook"]
    assert call.attributes["http.response.status_code"] == 204
    [message] = outside.client.messages(channel="webhook")
    assert message["headers"]["traceparent"] == f"00-{trace}-{call.id}-01"


def test_receipts_of_a_blast_that_say_the_same_are_one_span(
    shop, work, callback, collector, caller
):
    trace, _, traceparent = caller
    people = [f"person{number}" for number in range(5)]
    for name in people:
        recipient(name, email=f"{name}@example.com")
    body = {"user_ids": people, "content": HELLO, "channels": ["email"]}
    posted = shop.post("notifications", body, traceparent=traceparent)
    work()
    rows = shop.get(f"notifications/{posted['id']}/deliveries")["data"]
    events = [(row["id"], "delivered") for row in rows[1:]]
    post_receipt(by_sendgrid((rows[0]["id"], "bounce"), *events))
    read_receipts()
    assert shop.counts(posted)["email"]["delivered"] == 4
    collector.wait_for(trace, "receipt", "receipt")
    tracing.stop()
    receipts = [one for one in collector.of(trace) if one.name == "receipt"]
    assert sorted(one.attributes["notifier.event"] for one in receipts) == ["bounced", "delivered"]
    [many] = [one for one in receipts if one.attributes["notifier.event"] == "delivered"]
    assert many.attributes["messaging.batch.message_count"] == 4
    assert many.attributes["notifier.notification.id"] == posted["id"]


@pytest.fixture
def tokens(settings):
    """People's tokens, signed with the shared secret."""
    settings.INBOX_TOKENS = {
        "secret": SECRET,
        "jwks_url": "",
        "issuer": "",
        "audience": "",
        "longest": 600.0,
    }


def test_pages_that_are_told_together_are_one_span(shop, work, collector, caller, tokens):
    trace, _, traceparent = caller
    recipient("ada")
    body = {"user_id": "ada", "content": HELLO, "channels": ["inbox"]}
    with streaming() as server:
        pages = [server.open(sign(lasting({"sub": "ada"}), SECRET)) for _ in range(3)]
        for page in pages:
            page.wait_for("ready")
        posted = shop.post("notifications", body, traceparent=traceparent)
        work()
        for page in pages:
            page.wait_for("item")
        collector.wait_for(trace, "stream")
    tracing.stop()
    [span] = [one for one in collector.of(trace) if one.name == "stream"]
    assert span.attributes == {
        "notifier.notification.id": posted["id"],
        "notifier.channel": "inbox",
        "messaging.batch.message_count": 3,
    }


def test_what_the_service_makes_for_a_request_is_in_its_trace(
    shop, work, outside, collector, caller, monkeypatch
):
    monkeypatch.setattr(webhook_health, "WAIT", 0.0)
    trace, _, traceparent = caller
    made = register_webhook(shop, outside, "delivered")
    sent = {"traceparent": traceparent}
    assert shop.http.post(f"/v1/status-webhooks/{made['id']}/test", headers=sent).status_code < 300
    work()
    assert Notification.objects.get().traceparent is not None
    path = "POST /v1/status-webhooks/{webhook_id}/test"
    spans = {
        one.name: one for one in collector.wait_for(trace, path, "process deliver.webhook.high")
    }
    assert spans["process deliver.webhook.high"].parent == spans[path].id


def test_an_open_page_is_told_in_the_trace(shop, work, collector, caller, tokens):
    trace, _, traceparent = caller
    recipient("ada")
    body = {"user_id": "ada", "content": HELLO, "channels": ["inbox"]}
    with streaming() as server:
        page = server.open(sign(lasting({"sub": "ada"}), SECRET))
        posted = shop.post("notifications", body, traceparent=traceparent)
        shop.post("notifications", body, traceparent=f"{traceparent[:-2]}00")
        work()
        page.wait_for("item", 2)
        spans = {one.name: one for one in collector.wait_for(trace, "send inbox", "stream")}
    assert posted["id"]
    assert spans["stream"].parent == spans["accept"].id
    assert len([one for one in collector.of(trace) if one.name == "stream"]) == 1


def test_a_caller_decides_whether_its_trace_is_recorded(shop, work, texts, collector, caller):
    trace, _, traceparent = caller
    recipient("ada", sms=PHONE)
    body = {"user_id": "ada", "content": HELLO, "channels": ["sms"]}
    unsampled = shop.post("notifications", body, traceparent=f"{traceparent[:-2]}00")
    sampled = shop.post("notifications", body)
    work()
    own = bytes(Notification.objects.get(pk=sampled["id"]).traceparent)
    collector.wait_for(tracing.trace_id(own), "send sms")
    assert Notification.objects.get(pk=unsampled["id"]).traceparent is None
    assert not collector.of(trace)


@pytest.mark.parametrize(
    ("path", "sent"),
    [
        ("/healthz", {}),
        ("/healthz", {"Authorization": "Bearer ntf_0_0"}),
        ("/v1/topics", {}),
        ("/v1/topics", {"Authorization": "Bearer ntf_0_0"}),
        ("/v1/docs", {"Authorization": "Bearer ntf_0_0"}),
    ],
)
def test_who_has_no_key_does_not_decide_whether_a_trace_is_recorded(
    transactional_db, collector, caller, path, sent
):
    trace, _, traceparent = caller
    APIClient().get(path, headers={**sent, "traceparent": traceparent})
    until(lambda: collector.spans)
    tracing.stop()
    [span] = collector.spans
    assert (span.name, span.parent) == (f"GET {path}", "")
    assert span.trace != trace


def test_lines_about_a_request_name_the_trace_that_was_made_for_it(shop, collector):
    lines = []

    class Lines(logging.Handler):
        def emit(self, record):
            lines.append(record)

    handler, access = Lines(), logging.getLogger("notifier.access")
    handler.addFilter(About())
    level = access.level
    access.addHandler(handler)
    access.setLevel(logging.INFO)
    try:
        shop.get("topics")
    finally:
        access.setLevel(level)
        access.removeHandler(handler)
    [line] = lines
    [span] = collector.wait_for(line.trace_id, "GET /v1/topics")
    assert span.attributes["http.response.status_code"] == 200


def test_nothing_is_sampled_by_chance_at_a_ratio_of_zero(shop, settings, collector):
    tracing.stop()
    settings.TRACES_RATIO = 0.0
    tracing.start()
    recipient("ada", sms=PHONE)
    body = {"user_id": "ada", "content": HELLO, "channels": ["sms"]}
    posted = shop.post("notifications", body)
    assert Notification.objects.get(pk=posted["id"]).traceparent is None


def test_a_batch_shares_the_trace_of_its_request(shop, work, texts, collector, caller):
    trace, _, traceparent = caller
    recipient("ada", sms=PHONE)
    one = {"user_id": "ada", "content": HELLO, "channels": ["sms"]}
    body = {"notifications": [one, one, one]}
    shop.post("notifications/batch", body, traceparent=traceparent)
    work()
    spans = collector.wait_for(trace, *["send sms"] * 3)
    ids = {one.attributes["notifier.notification.id"] for one in spans if one.name == "send sms"}
    assert len(ids) == 3


def test_without_a_collector_no_place_is_kept(shop, work, texts, caller):
    _, _, traceparent = caller
    recipient("ada", sms=PHONE)
    body = {"user_id": "ada", "content": HELLO, "channels": ["sms"]}
    posted = shop.post("notifications", body, traceparent=traceparent)
    work()
    assert Notification.objects.get(pk=posted["id"]).traceparent is None
    assert Delivery.objects.get().state == "accepted"
