"""Test calls to a status webhook, and what is shown of its health."""

import time

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from apps.delivery.models import Notification
from apps.delivery.sending import runtime
from apps.delivery.status_webhooks import health as webhook_health
from apps.publishers.models import AuditEvent
from tests.support.deliveries.status_webhooks import received, register_webhook


def test_a_test_call_says_that_it_arrived(shop, outside, working):
    made = register_webhook(shop, outside, "failed")
    assert (made["last_success_at"], made["last_error_at"], made["last_error"]) == (None, None, "")
    tested = shop.post(f"status-webhooks/{made['id']}/test", None, status=200)
    assert (tested["outcome"], tested["error"], tested["status"]) == ("accepted", "", 204)
    [message] = received(outside)
    assert message["type"] == "webhook.test"
    assert message["data"]["status_webhook_id"] == made["id"]
    shown = shop.get(f"status-webhooks/{made['id']}")
    assert shown["last_success_at"] is not None
    [delivery] = shop.get(f"status-webhooks/{made['id']}/deliveries")["data"]
    assert delivery["id"] == tested["delivery_id"]
    assert [attempt["outcome"] for attempt in delivery["attempts"]] == ["accepted"]
    assert shop.get("notifications")["data"] == [], "it is none of the publisher's notifications"
    assert AuditEvent.objects.latest("id").action == "test"


def test_a_receiver_whose_certificate_nobody_signed_is_reported(shop, outside, settings, working):
    made = register_webhook(shop, outside, "failed", "dead")
    del settings.PROVIDERS["webhook"]["options"]["ca_file"]
    runtime.close()
    tested = shop.post(f"status-webhooks/{made['id']}/test", None, status=200)
    assert tested["outcome"] == "retry"
    assert "ertificate" in tested["error"]
    [shown] = shop.get("status-webhooks")["data"]
    assert "ertificate" in shown["last_error"]
    assert shown["last_error_at"] is not None and shown["last_success_at"] is None


@pytest.mark.parametrize(
    ("behaviour", "outcome", "said"),
    [
        ("500", "retry", "status 500"),
        ("403", "refused", "status 403"),
        ("dead", "refused", "not exist"),
    ],
)
def test_a_receiver_that_refuses_is_reported(shop, outside, working, behaviour, outcome, said):
    made = register_webhook(shop, outside, "failed")
    outside.client.behave("webhook", behaviour)
    tested = shop.post(f"status-webhooks/{made['id']}/test", None, status=200)
    assert tested["outcome"] == outcome, tested
    assert said in tested["error"]
    if behaviour == "dead":
        again = shop.post(f"status-webhooks/{made['id']}/test", None, status=200)
        assert (again["outcome"], again["status"]) == ("refused", None)
        assert "disabled" in again["error"]


def test_without_a_worker_a_test_call_is_pending(shop, outside, monkeypatch):
    monkeypatch.setattr(webhook_health, "WAIT", 0.2)
    made = register_webhook(shop, outside, "failed")
    tested = shop.post(f"status-webhooks/{made['id']}/test", None, status=200)
    assert tested["outcome"] == "pending"


def test_test_calls_do_not_keep_every_thread_waiting(shop, outside, monkeypatch):
    made = register_webhook(shop, outside, "failed")
    monkeypatch.setattr(webhook_health, "WAIT", 60)
    for _ in range(webhook_health.FEW):
        webhook_health._few.acquire()  # as many are being waited for
    begun = time.monotonic()
    try:
        tested = shop.post(f"status-webhooks/{made['id']}/test", None, status=200)
    finally:
        webhook_health._few.release(webhook_health.FEW)
    assert tested["outcome"] == "pending" and time.monotonic() - begun < 30


def test_anothers_status_webhook_is_not_tested(shop, other_shop, outside):
    made = register_webhook(shop, outside, "failed")
    other_shop.post(f"status-webhooks/{made['id']}/test", None, status=404)
    other_shop.get(f"status-webhooks/{made['id']}/deliveries", status=404)
    assert not Notification.objects.exists()


def test_messages_to_an_endpoint_are_found_by_an_index(shop, outside, working):
    made = register_webhook(shop, outside, "failed")
    shop.post(f"status-webhooks/{made['id']}/test", None, status=200)
    with connection.cursor() as cursor:
        cursor.execute("SET enable_seqscan = off")
        with CaptureQueriesContext(connection) as asked:
            shop.get(f"status-webhooks/{made['id']}")
        [read] = [one["sql"] for one in asked if "delivery_statuswebhook w" in one["sql"]]
        cursor.execute(f"EXPLAIN {read}")
        plan = "\n".join(line for (line,) in cursor.fetchall())
        cursor.execute("RESET enable_seqscan")
    assert "delivery_of_endpoint" in plan and "Seq Scan on delivery_delivery" not in plan
