"""Claims whose rows others have locked: nothing waits for them, and none is left behind."""

import time
from contextlib import closing

import psycopg2
import pytest
from django.db import connection, transaction

from apps.delivery import state, tasks
from apps.delivery.models import Attempt, Claim, Delivery
from apps.delivery.monitoring import metrics
from apps.delivery.sending import process
from notifier.domain.states import DeliveryState
from tests.support.deliveries.workers import PATIENCE, claim, lose_claims, result
from tests.support.publishers.people import recipient
from tests.support.publishers.shop import HELLO
from tests.support.waiting import until


def notify(shop, user_id, *channels, **fields):
    body = {"user_id": user_id, "channels": list(channels), "content": HELLO, **fields}
    return shop.post("notifications", body)


def test_a_claim_that_could_not_be_renewed_has_another_lease_while_its_worker_lives(shop, settings):
    for name in ("ada", "bob"):
        recipient(name)
    notify(shop, "ada", "inbox")
    locked = claim()
    notify(shop, "bob", "inbox", priority="high")
    claim(priority="high")
    Claim.objects.filter(pk=locked.id).update(lease_until="2020-01-01T00:00:00Z")
    settings.LEASE_SECONDS = 0.5
    tasks.sweep.apply(throw=True)
    assert Claim.objects.filter(pk=locked.id).exists()
    time.sleep(0.6)
    tasks.sweep.apply(throw=True)
    assert not Claim.objects.filter(pk=locked.id).exists(), "nobody renewed it then, either"
    assert Delivery.objects.filter(state="retrying", reason="worker_lost").exists()


def test_what_is_on_record_waits_for_no_claim_that_others_have_locked(shop, settings):
    recipient("ada")
    posted = notify(shop, "ada", "inbox")
    held = claim()
    done = result(held, held.deliveries[0], DeliveryState.DELIVERED)
    with closing(psycopg2.connect(**connection.get_connection_params())) as other:
        with other.cursor() as cursor:
            cursor.execute("SELECT FROM delivery_claim WHERE id = %s FOR UPDATE", [held.id])
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SET LOCAL lock_timeout = '100ms'")
            assert state.record([done], finished=[held.id]) == {held.id}
    assert shop.counts(posted) == {"inbox": {"delivered": 1}}
    lose_claims()
    tasks.sweep.apply(throw=True)
    assert not Claim.objects.exists()
    assert shop.counts(posted) == {"inbox": {"delivered": 1}}


@pytest.mark.parametrize("counted", [True, False])
def test_a_claim_that_was_locked_is_closed_soon_after(shop, monkeypatch, counted):
    """The renewal of its lease may have it locked at the moment of its last record.

    Also where what is on record cannot be counted in the metrics.
    """

    def fail(*args):
        raise RuntimeError("a bug")

    if not counted:
        monkeypatch.setattr(metrics, "observe", fail)
    recipient("ada")
    posted = notify(shop, "ada", "inbox")
    held = claim()
    with closing(psycopg2.connect(**connection.get_connection_params())) as other:
        with other.cursor() as cursor:
            cursor.execute("SELECT FROM delivery_claim WHERE id = %s FOR UPDATE", [held.id])
        process.worker().send(held)
        until(lambda: shop.counts(posted) == {"inbox": {"delivered": 1}})
        assert not process.worker().join(0.5), "its lease is renewed as long as it is there"
        assert Claim.objects.filter(pk=held.id).exists()
    assert process.worker().join(PATIENCE)
    assert not Claim.objects.exists()
    assert Attempt.objects.count() == 1
