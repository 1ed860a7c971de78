"""Health, readiness and metrics, the endpoints of operators and their monitoring."""

import json
import time
from datetime import UTC, datetime, timedelta

import pytest
from celery import current_app
from prometheus_client.parser import text_string_to_metric_families

from stack.supervision import ports
from stack.supervision.process import PATIENCE
from tests.support.publishers.people import recipient

HELLO = {"body": "Hello"}


def ready(client):
    answer = client.get("/readyz")
    return answer.status_code, answer.json()


def test_the_root_leads_to_the_docs(client):
    assert client.get("/").headers["Location"] == "/v1/docs"


def test_healthz_answers(client):
    assert client.get("/healthz").json() == {"status": "ok"}


@pytest.mark.django_db
def test_readyz_is_ok_when_everything_answers(client):
    status, body = ready(client)
    assert (status, body["status"]) == (200, "ok")
    assert body["checks"] == {"database": "ok", "broker": "ok", "redis": "ok"}
    assert body["channels"] == dict.fromkeys(["push", "sms", "email", "webhook", "inbox"], "ok")


@pytest.mark.django_db
def test_readyz_names_a_missing_redis_and_stays_ready(client, settings):
    settings.REDIS_URL = f"redis://127.0.0.1:{ports.free()}/0"
    status, body = ready(client)
    assert (status, body["status"]) == (200, "degraded")
    assert body["checks"]["redis"].startswith("missing")


@pytest.mark.django_db
def test_readyz_names_a_missing_broker_and_stays_ready(client, monkeypatch):
    monkeypatch.setattr(
        current_app.conf, "broker_read_url", f"amqp://guest:guest@127.0.0.1:{ports.free()}//"
    )
    status, body = ready(client)
    assert (status, body["status"]) == (200, "degraded")
    assert body["checks"]["broker"].startswith("missing")


def test_readyz_is_503_without_the_database(client, monkeypatch):
    from apps.delivery.monitoring import health

    def gone() -> None:
        raise ConnectionError

    # The one check that cannot be broken from here: the test's own database is the service's.
    monkeypatch.setitem(health._CHECKS, "database", gone)
    status, body = ready(client)
    assert (status, body["status"]) == (503, "unavailable")
    assert body["checks"]["database"] == "missing: ConnectionError"


def metrics(client):
    text = client.get("/metrics").content.decode()
    return {
        (sample.name, *sorted(sample.labels.values())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def test_metrics_say_what_waits_and_for_how_long(shop, client, execute):
    recipient("ada")
    for _ in range(2):
        shop.post("notifications", {"user_id": "ada", "priority": "high", "content": HELLO})
    execute("UPDATE delivery_chunk SET ready_at = now() - interval '90 seconds'")
    found = metrics(client)
    assert found["notifier_waiting_deliveries", "high", "inbox"] == 2
    assert 90 <= found["notifier_oldest_waiting_seconds", "high", "inbox"] < 120
    assert found[("notifier_broker_up",)] == 1


def test_a_scrape_counts_no_more_of_what_waits_than_so_many(shop, client, execute, monkeypatch):
    recipient("ada")
    for _ in range(3):
        shop.post("notifications", {"user_id": "ada", "priority": "high", "content": HELLO})
    execute("UPDATE delivery_chunk SET ready_at = now() - interval '90 seconds'")
    monkeypatch.setattr("apps.delivery.outbox.backlog.MOST", 2)
    found = metrics(client)
    assert found["notifier_waiting_deliveries", "high", "inbox"] == 2
    assert found["notifier_oldest_waiting_seconds", "high", "inbox"] >= 90


def test_what_is_scheduled_for_later_does_not_wait(shop, client):
    recipient("ada")
    later = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
    shop.post("notifications", {"user_id": "ada", "content": HELLO, "send_at": later})
    assert metrics(client)["notifier_waiting_deliveries", "inbox", "normal"] == 0


@pytest.mark.django_db
def test_metrics_name_each_family_once_and_every_queue(client):
    text = client.get("/metrics").content.decode()
    helps = [line.split()[2] for line in text.splitlines() if line.startswith("# HELP")]
    assert len(helps) == len(set(helps))
    found = metrics(client)
    assert ("notifier_queue_depth", "deliver.sms.high") in found


def test_metrics_count_attempts_and_time_providers(shop, client, work):
    def counted() -> float:
        sample = ("notifier_attempts_total", "", "delivered", "inbox", "inbox", "low")
        return metrics(client).get(sample, 0)

    before = counted()
    recipient("ada")
    shop.post("notifications", {"user_id": "ada", "priority": "low", "content": HELLO})
    work()
    assert counted() == before + 1
    found = metrics(client)
    assert found["notifier_provider_seconds_count", "accepted", "inbox"] >= 1
    assert found["notifier_accept_to_provider_seconds_count", "inbox", "low"] >= 1


def test_metrics_count_what_was_accepted_once(shop, client):
    def counted() -> float:
        return metrics(client).get(("notifier_accepted_total", "high"), 0)

    before = counted()
    recipient("ada")
    body = {"user_id": "ada", "priority": "high", "content": HELLO}
    for _ in range(2):
        shop.post("notifications", body, **{"Idempotency-Key": "k"})
    shop.post("notifications", {**body, "user_id": "nobody"}, status=400)
    assert counted() == before + 1


def test_metrics_count_dead_letters_of_each_channel(shop, client, execute):
    execute(
        "INSERT INTO delivery_deadletter"
        " (delivery_id, publisher_id, kind, channel, provider, reason, died_at)"
        " SELECT n, 1, 'published', 'sms', 'twilio', 'rejected', now()"
        " FROM generate_series(1, 3) n"
    )
    found = metrics(client)
    assert found["notifier_dead_letters", "rejected", "sms"] == 3
    assert found["notifier_dead_letters", "", "sms"] == 0
    assert found["notifier_dead_letters", "", "push"] == 0


def test_what_the_broker_carries_is_a_queues_name_and_nothing_else(shop, queue):
    # Long enough not to be found by chance in a message's ids and times.
    secrets = ("somebody-secret", "A secret title", "A secret body")
    user_id, title, body = secrets
    recipient(user_id, email=f"{user_id}@example.com")
    content = {"title": title, "body": body}
    shop.post("notifications", {"user_id": user_id, "priority": "high", "content": content})
    deadline = time.monotonic() + PATIENCE
    while (message := queue.get()) is None:
        assert time.monotonic() < deadline
    arguments, keywords, _ = json.loads(message.body)
    assert arguments == [] and keywords == {}
    assert message.headers["task"] == "deliver.inbox.high"
    everything = f"{message.body!r} {message.headers!r} {message.properties!r}"
    assert [secret for secret in secrets if secret in everything] == []
