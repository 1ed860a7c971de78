"""The thread that renews leases: what it renews, and when. No database."""

import queue
import time
from types import SimpleNamespace

import pytest

from apps.delivery.outbox import leases

PATIENCE = 60


@pytest.fixture
def said(monkeypatch, settings):
    """What the thread does, in order: ``reserved``, a set of claims renewed, ``closed``."""
    settings.LEASE_SECONDS = 0.03
    found = queue.Queue()
    monkeypatch.setattr(leases, "reserve", lambda: found.put("reserved"))
    monkeypatch.setattr(leases, "renew", found.put)
    connection = SimpleNamespace(close=lambda: found.put("closed"))
    monkeypatch.setattr(leases, "connection", connection)
    return found


@pytest.fixture
def keeper(said):
    keeper = leases.LeaseKeeper()
    yield keeper
    keeper.stop()
    keeper.join(PATIENCE)
    assert not keeper.is_alive()


def renewed(said):
    """Return the claims that are renewed next."""
    while not isinstance(found := said.get(timeout=PATIENCE), set):
        pass
    return found


def test_claims_are_renewed_while_they_are_held(keeper, said):
    keeper.hold(1)
    keeper.hold(2)
    keeper.start()
    assert renewed(said) == renewed(said) == {1, 2}
    keeper.release(1)
    while {1, 2} == (found := renewed(said)):
        pass
    assert found == {2}


def test_it_uses_a_reserved_connection_and_gives_it_back_after_each_renewal(keeper, said):
    keeper.hold(1)
    keeper.start()
    found = [said.get(timeout=PATIENCE) for _ in range(5)]
    assert found == ["reserved", {1}, "closed", {1}, "closed"]


def test_without_a_claim_it_waits_for_one(keeper, said):
    keeper.start()
    time.sleep(0.1)  # some rounds
    assert [said.get(timeout=PATIENCE)] == ["reserved"] and said.empty()
    keeper.hold(1)
    assert renewed(said) == {1}


def test_a_lease_is_renewed_three_times_before_it_ends(keeper, said, settings):
    waits = []
    settings.LEASE_SECONDS = 30.0
    keeper._stopping = SimpleNamespace(
        wait=lambda seconds: len(waits) == 3 or waits.append(seconds), set=lambda: None
    )
    keeper.start()
    keeper.join(PATIENCE)
    assert waits == [10.0] * 3


def test_no_process_waits_for_it_at_its_end(keeper):
    assert keeper.daemon
    keeper.start()
