"""Erasures wait for open transactions of the service, and a metric tells how long."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import psycopg2
import pytest
from django.db import connection

from apps.core import clock
from apps.delivery.models import IdempotencyKey, StatusWebhook
from apps.delivery.monitoring.metrics import exposition
from apps.delivery.status_webhooks import health
from apps.privacy import tasks
from apps.privacy.models import Erasure
from apps.publishers.models import AuditEvent
from tests.support.database import locks_of
from tests.support.publishers.people import recipient
from tests.support.publishers.shop import Shop

ROLE = "curious"


def erase(shop: Shop) -> str:
    """Ask for an erasure and let the task do what it can; return the state of it."""
    recipient("ada")
    assert shop.http.delete("/v1/recipients/ada").status_code == 202
    return go_on()


def go_on() -> str:
    tasks.erase.apply(throw=True)
    return Erasure.objects.get().state


def age() -> float:
    [line] = [
        one
        for one in exposition().decode().splitlines()
        if one.startswith("notifier_oldest_erasure_seconds ")
    ]
    return float(line.rpartition(" ")[2])


@pytest.fixture
def of_another_role(shop: Shop) -> Iterator[Any]:
    """A connection of a role that is not the service's."""
    with connection.cursor() as cursor:
        cursor.execute(f"CREATE ROLE {ROLE} LOGIN PASSWORD 'curious'")
    parameters = connection.get_connection_params() | {"user": ROLE, "password": "curious"}
    made = psycopg2.connect(**parameters)
    yield made
    made.close()
    with connection.cursor() as cursor:
        cursor.execute(f"DROP ROLE {ROLE}")


def test_one_that_waits_for_a_transaction_is_seen_by_its_age(shop):
    assert age() == 0
    with locks_of("SELECT 1"):
        assert erase(shop) == "erasing"
        Erasure.objects.update(requested_at=clock.moment() - timedelta(days=2))
        assert age() == pytest.approx(2 * 86_400, abs=3600)
    assert go_on() == "done"
    assert age() == 0


def test_a_transaction_of_another_role_is_not_waited_for(shop, of_another_role):
    with of_another_role.cursor() as cursor:
        cursor.execute("SELECT 1")
    assert erase(shop) == "done"


def test_keys_that_leaped_after_a_restore_do_not_keep_it_looking(shop):
    leaped = 10**12
    AuditEvent.objects.create(pk=leaped, actor_kind="system", actor="", action="x", object_type="y")
    IdempotencyKey.objects.create(
        pk=leaped,
        publisher_id=shop.id,
        key="k",
        fingerprint=b"",
        status=202,
        created_at=clock.moment(),
    )
    assert erase(shop) == "done"


def test_a_test_call_of_a_status_webhook_is_about_nobody(shop):
    url = {"url": "https://example.com/x", "events": ["dead"]}
    made = shop.post("status-webhooks", url, status=201)
    health.send_test(StatusWebhook.objects.get(pk=made["id"]))
    assert erase(shop) == "done"
