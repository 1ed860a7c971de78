"""Claims of worker processes that ended are released at once where that is known."""

import subprocess
import sys

import pytest

from apps.delivery import tasks
from apps.delivery.models import Claim, Delivery
from apps.delivery.outbox import claims
from apps.delivery.outbox.queues import Queue
from apps.delivery.sending import claiming, process
from apps.delivery.sending.capacity import Capacity
from tests.support.publishers.people import recipient

HELLO = {"body": "Hello"}


@pytest.fixture
def claimed(shop):
    """A notification to an inbox, claimed by a worker that goes no further."""
    recipient("ada")
    posted = shop.post("notifications", {"user_id": "ada", "channels": ["inbox"], "content": HELLO})
    assert claiming.claim(Queue("inbox", "normal"), Capacity(1000)).claim is not None
    assert shop.counts(posted) == {"inbox": {"sending": 1}}
    return posted


def ended_process():
    done = subprocess.Popen([sys.executable, "-c", ""])
    done.wait()
    return done.pid


def of_this_host(pid):
    host, _, _ = claims._worker().rpartition("/")
    return f"{host}/{pid}"


def test_what_a_dead_process_of_this_host_held_is_sent_without_waiting_for_its_lease(
    shop, work, claimed
):
    Claim.objects.update(worker=of_this_host(ended_process()))
    tasks.sweep.apply(throw=True)
    lost = Delivery.objects.get()
    assert (lost.state, lost.reason, lost.attempts) == ("retrying", "worker_lost", 1)
    work()
    assert shop.counts(claimed) == {"inbox": {"delivered": 1}}
    assert Delivery.objects.get().attempts == 2


@pytest.mark.parametrize("worker", ["running", "another host's"])
def test_a_claim_whose_process_runs_or_cannot_be_asked_has_its_lease(shop, claimed, worker):
    if worker != "running":
        Claim.objects.update(worker=f"elsewhere/1/{ended_process()}")
    tasks.sweep.apply(throw=True)
    assert shop.counts(claimed) == {"inbox": {"sending": 1}}
    assert Claim.objects.exists()


def test_a_claim_that_cannot_be_sent_for_a_fault_of_ours_is_held_and_no_attempt_counts(
    shop, work, monkeypatch
):
    recipient("ada")
    posted = shop.post("notifications", {"user_id": "ada", "channels": ["inbox"], "content": HELLO})
    with monkeypatch.context() as broken:
        broken.setattr("apps.delivery.flow.availability.gates", lambda _: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            work()
        assert process.worker().join(30)
    held = Delivery.objects.get()
    assert (held.state, held.reason, held.attempts) == ("retrying", "internal", 0)
    assert not Claim.objects.exists()
    Delivery.objects.update(next_attempt_at="2020-01-01T00:00:00Z")
    work()
    assert shop.counts(posted) == {"inbox": {"delivered": 1}}
