"""Workers for tests: step by step, without threads of their own, or lost on the way."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.db.models import F
from django.db.models.functions import Now
from django.test import override_settings

from apps.delivery import state as delivery_state
from apps.delivery import tasks
from apps.delivery.models import Chunk
from apps.delivery.models import Claim as ClaimRow
from apps.delivery.outbox.queues import Queue
from apps.delivery.sending import claiming, process
from apps.delivery.sending.capacity import Capacity
from apps.delivery.sending.claiming import Claim
from apps.delivery.state import Claimed, Result
from notifier.domain.states import DeliveryState
from stack.supervision.process import PATIENCE


def cut(priority: str = "normal") -> None:
    """Cut the audiences that wait, and claim nothing."""
    tasks.DOORBELLS[Queue("", priority)].apply(throw=True)


def claim(channel: str = "inbox", priority: str = "normal", most: int = 1000) -> Claim | None:
    """Claim as a worker does who dies before anything of it is sent."""
    return claiming.claim(Queue(channel, priority), Capacity(most)).claim


def send(channel: str = "inbox", priority: str = "normal", most: int = 1000) -> None:
    """Claim once, send it, and wait until it is on record."""
    found = claim(channel, priority, most)
    if found is not None:
        process.worker().send(found)
    assert process.worker().join(PATIENCE)


def begin(channel: str = "inbox", priority: str = "normal") -> None:
    """Empty a queue, and return with all of it under way."""
    process.worker().empty(Queue(channel, priority))


def lose_claims() -> None:
    """Let the leases of all claims and whole audiences run out, and run the sweeper."""
    ClaimRow.objects.update(lease_until=Now() - timedelta(seconds=1))
    Chunk.objects.filter(state="running").update(due_at=Now() - timedelta(seconds=1))
    # A server that has just come up gives workers the time of a lease to come back.
    with override_settings(LEASE_SECONDS=0.0):
        tasks.sweep.apply(throw=True)


def send_and_die(monkeypatch: pytest.MonkeyPatch, channel: str, priority: str = "normal") -> None:
    """Claim and send, and die before anything is on record."""
    died = threading.Event()

    def die(*args: Any, **options: Any) -> None:
        died.set()
        raise SystemExit  # the recorder's thread ends

    with monkeypatch.context() as patch:
        patch.setattr(delivery_state, "record", die)
        begin(channel, priority)
        assert died.wait(PATIENCE)
        process.close(0)


@contextmanager
def only(*chunks: Chunk) -> Iterator[None]:
    """Let no other chunk be claimed meanwhile."""
    others = Chunk.objects.exclude(pk__in=[chunk.pk for chunk in chunks]).filter(state="queued")
    keys = list(others.values_list("pk", flat=True))
    later = timedelta(days=1)
    Chunk.objects.filter(pk__in=keys).update(ready_at=F("ready_at") + later)
    yield
    Chunk.objects.filter(pk__in=keys, ready_at__gt=Now()).update(ready_at=F("ready_at") - later)


def result(claimed: Claim, item: Claimed, state: DeliveryState, **fields: Any) -> Result:
    """The result of one delivery of a claim: accepted, unless ``fields`` say otherwise."""
    usual = Result(
        claim_id=claimed.id,
        delivery_id=item.delivery_id,
        notification_id=item.notification_id,
        channel=claimed.queue.channel,
        contact_id=item.contact_id,
        attempt=item.attempts + 1,
        state=state,
        reason="",
        next_attempt_at=None,
        provider="inbox",
        provider_message_id="",
        started_at=time.time(),
        duration_ms=1,
        outcome="accepted",
        status=None,
        detail="",
        disable_contact=False,
    )
    return usual._replace(**fields)


def in_thread(function: Callable[[], object]) -> threading.Thread:
    """Call it in a new thread, which is returned."""

    def run() -> None:
        try:
            function()
        finally:
            connection.close()

    thread = threading.Thread(target=run)
    thread.start()
    return thread
