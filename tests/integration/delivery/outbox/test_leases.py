"""Leases of claims in the database: renewed, or over and released."""

from django.db import transaction
from django.db.models.functions import Now

from apps.delivery.models import Claim
from apps.delivery.outbox import claims, leases
from stack.supervision.process import PATIENCE
from tests.support.database import break_waiting, table_locked
from tests.support.deliveries.workers import claim
from tests.support.publishers.people import recipient
from tests.support.waiting import until


def notify(shop, user_id, *channels, **fields):
    body = {"user_id": user_id, "channels": list(channels), "content": {"body": "Hello"}, **fields}
    return shop.post("notifications", body)


def test_a_renewed_claim_has_another_lease_and_one_that_is_gone_stays_gone(shop):
    for name in ("ada", "bob"):
        recipient(name)
    notify(shop, "ada", "inbox")
    held = claim()
    notify(shop, "bob", "inbox", priority="high")
    other = claim(priority="high")
    Claim.objects.update(lease_until="2020-01-01T00:00:00Z")
    leases.renew([held.id, other.id + 1])
    assert [row.pk for row in Claim.objects.filter(lease_until__gt=Now())] == [held.id]
    assert Claim.objects.count() == 2


def test_claims_are_renewed_again_after_a_renewal_whose_connection_broke(shop, settings, caplog):
    recipient("ada")
    notify(shop, "ada", "inbox")
    held = claim()
    Claim.objects.update(lease_until="2020-01-01T00:00:00Z")
    settings.LEASE_SECONDS = 0.3
    keeper = leases.LeaseKeeper()
    keeper.hold(held.id)
    try:
        with table_locked("delivery_claim"):
            keeper.start()
            break_waiting("SET lease_until")
        until(lambda: not Claim.objects.filter(lease_until="2020-01-01T00:00:00Z").exists())
    finally:
        keeper.stop()
        keeper.join(PATIENCE)
    assert "leases cannot be renewed: OperationalError" in caplog.text


def test_the_sweeper_releases_so_many_claims_at_once(shop, settings, monkeypatch):
    for name in ("ada", "bob", "eve"):
        recipient(name)
        notify(shop, name, "inbox")
        claim()
    Claim.objects.update(lease_until="2020-01-01T00:00:00Z")
    settings.LEASE_SECONDS = 0.0
    monkeypatch.setattr(claims, "AT_ONCE", 2)
    with transaction.atomic():
        first = claims.lost()
        assert len(first) == 2
        claims.close(first)
    with transaction.atomic():
        assert len(claims.lost()) == 1
