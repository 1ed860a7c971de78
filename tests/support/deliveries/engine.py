"""Workers and the sweeper in this process: tasks are run by hand, one after the other.

All but ``work_once`` are fixtures: a ``conftest.py`` imports them by name.
"""

import time
from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest
from django.db.models import F
from django.db.models.functions import Now

from apps.core import clock
from apps.core.cache import ask_redis
from apps.delivery import tasks
from apps.delivery.flow import breakers, provider_pauses
from apps.delivery.flow.breaker_store import KEY
from apps.delivery.intake import load_shedding
from apps.delivery.models import Chunk, Claim, Delivery
from apps.delivery.sending import process

DAY = 86_400


def work_once() -> int:
    """Ring every doorbell, and wait until what was claimed is on record; how many deliveries."""
    done = 0
    for task in tasks.DOORBELLS.values():
        done += task.apply(throw=True).result["carried"]
    assert process.worker().join(60), "claims are not on record after a minute"
    return done


@pytest.fixture
def work() -> Callable[[], None]:
    """Empty every queue as workers do, until nothing is left that may be claimed."""

    def run() -> None:
        while work_once():
            pass
        ready = Chunk.objects.filter(state="queued", ready_at__lte=Now()).exclude(kind="retry")
        assert not ready.exists(), "a chunk was not claimed"
        assert not Claim.objects.exists(), "a claim was not closed"

    return run


@pytest.fixture
def wake() -> Callable[[], None]:
    """Make every waiting delivery due now and let the sweeper find it."""

    def run() -> None:
        Delivery.objects.filter(next_attempt_at__isnull=False).update(
            next_attempt_at="2020-01-01T00:00:00Z"
        )
        tasks.sweep.apply(throw=True)

    return run


@pytest.fixture
def swept(work) -> Callable[[], None]:
    """Run the sweeper, and then workers for what it found due."""

    def run_due() -> None:
        tasks.sweep.apply(throw=True)
        work()

    return run_due


@pytest.fixture
def workers() -> Callable[[], None]:
    """Send what is due now, and nothing that waits for later."""

    def run() -> None:
        while work_once():
            pass

    return run


@pytest.fixture
def later(workers: Callable[[], None]) -> Callable[[float], None]:
    """Let so many seconds pass, and have the sweeper and workers do what is due then."""

    def run(seconds: float) -> None:
        back = timedelta(seconds=seconds)
        Chunk.objects.exclude(state="done").update(
            due_at=F("due_at") - back, ready_at=F("ready_at") - back
        )
        Delivery.objects.filter(next_attempt_at__isnull=False).update(
            next_attempt_at=F("next_attempt_at") - back
        )
        tasks.sweep.apply(throw=True)
        workers()

    return run


@pytest.fixture(autouse=True)
def fresh_engine() -> Iterator[None]:
    """No pause, breaker or load of another test is known, and this test's worker ends with it."""
    provider_pauses.forget()
    breakers.forget()
    load_shedding.forget()
    ask_redis(lambda client: [client.delete(key) for key in client.scan_iter(f"{KEY}*")])
    yield
    process.close()


@pytest.fixture
def purge_after() -> Iterator[Callable[[float], None]]:
    """Run the task that deletes notifications as if so many days had passed."""

    def run(days: float) -> None:
        clock.synchronize(time.time() + days * DAY)
        try:
            tasks.purge_notifications.apply(throw=True)
        finally:
            clock.measure()

    yield run
    clock.measure()
