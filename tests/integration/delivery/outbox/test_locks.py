"""Receipts and other writers of the same deliveries do not deadlock."""

# ruff: noqa: F811

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from django.db import connection, transaction

from apps.delivery import state, tasks
from apps.delivery.models import Delivery
from apps.delivery.outbox.queues import Queue
from notifier.domain.outcomes import Accepted, Reason, Refused, Retry
from notifier.domain.states import DeliveryState
from tests.support.deliveries.ordered_messages import notify, provider, refusing  # noqa: F401
from tests.support.publishers.people import recipient
from tests.support.waiting import until


@contextmanager
def meanwhile(what: Callable[[], Any]) -> Iterator[list[Any]]:
    """``what`` in a thread of its own, done or waiting for a lock when the block begins.

    What it returned or raised is in the list when the block has ended.
    """
    came_of_it: list[Any] = []

    def run() -> None:
        try:
            came_of_it.append(what())
        except Exception as error:
            came_of_it.append(error)
        finally:
            connection.close()

    thread = threading.Thread(target=run)
    thread.start()
    with connection.cursor() as cursor:
        while thread.is_alive():
            cursor.execute("SELECT count(*) FROM pg_locks WHERE NOT granted")
            if cursor.fetchone()[0]:
                break
            time.sleep(0.01)
    yield came_of_it


def settle_while(what: Callable[[], Any], *, before: str, after: DeliveryState) -> Any:
    """A receipt moves the one delivery that stands so, and somebody does ``what`` meanwhile."""
    row = Delivery.objects.get(state=before)
    with transaction.atomic():
        status = state.lock_statuses([row.pk])
        with meanwhile(what) as came_of_it:
            state.apply_receipts([(status[row.pk], after, "")])
    until(lambda: came_of_it)
    row.refresh_from_db()
    assert row.state == after
    [result] = came_of_it
    return result


def test_a_dead_letter_is_redriven_while_a_receipt_of_it_is_read(
    shop,
    work,
    provider,
    refusing,
):
    recipient("ada")
    refusing(one=Refused(Reason.AUTHENTICATION, 401))
    notify(shop, "one", "ada", key="")
    work()

    def redrive() -> Any:
        return shop.post("dead-letters/redrive", {"match": {}}, status=200)["redriven"]

    assert settle_while(redrive, before="dead", after=DeliveryState.DELIVERED) == 0
    assert shop.get("dead-letters")["data"] == []


def test_what_is_due_in_order_is_claimed_while_a_receipt_of_it_is_read(
    shop,
    work,
    provider,
    refusing,
):
    recipient("ada")
    refusing(one=Retry(Reason.RATE_LIMITED, 429))
    notify(shop, "one", "ada")
    work()
    refusing(one=Accepted(delivered=True))
    Delivery.objects.update(next_attempt_at="2020-01-01T00:00:00Z")

    def deliver() -> str:
        return tasks.DOORBELLS[Queue("inbox", "normal")].apply(throw=True).state

    came = settle_while(deliver, before="retrying", after=DeliveryState.DELIVERED)
    assert came == "SUCCESS"
    work()
    assert provider.taken == [], "it had been told already"
