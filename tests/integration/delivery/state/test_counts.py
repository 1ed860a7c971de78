"""Nothing waits for counts: they may be locked for minutes and are right afterwards."""

import threading
import time
from collections import Counter
from uuid import UUID

import pytest
from django.db import connection, transaction
from django.db.models import Sum
from django.test.utils import CaptureQueriesContext

from apps.core import clock
from apps.delivery import selectors, tasks
from apps.delivery.maintenance import rollup
from apps.delivery.models import HourCount, MinuteCount, PendingCount, StateCount
from apps.delivery.state import counts
from notifier.domain.outcomes import Reason, Retry
from tests.support.database import locks_of, run_and_close, table_locked
from tests.support.deliveries.workers import claim, lose_claims
from tests.support.fakes.scripted_provider import Scripted
from tests.support.publishers.people import recipient
from tests.support.waiting import somebody_waits, until

TABLES = ["delivery_statecount", "delivery_hourcount", "delivery_minutecount"]

pytestmark = pytest.mark.usefixtures("scripted_inbox")


@pytest.fixture(autouse=True)
def _free():
    """Forget that counts were locked in another test."""
    yield
    counts._blocked.until = 0.0
    counts._blocked.attempts.clear()


def notify(shop, *names):
    for name in names:
        recipient(name)
    body = {"user_ids": names, "channels": ["inbox"], "content": {"body": "Hello"}}
    return shop.post("notifications", body)


def swept_when_free():
    counts._blocked.until = 0.0  # some seconds later
    tasks.sweep.apply(throw=True)


def total(table, **which):
    return table.objects.filter(**which).aggregate(total=Sum("count"))["total"] or 0


@pytest.mark.parametrize("table", TABLES)
def test_deliveries_go_out_while_a_table_of_counts_is_locked(shop, work, table):
    posted = notify(shop, "ada", "bob", "eve")
    with table_locked(table, "SHARE"):
        began = time.monotonic()
        work()
        took = time.monotonic() - began
        assert len(Scripted.calls) == 3
        assert shop.counts(posted) == {"inbox": {"delivered": 3}}, "and its counts are right"
        found = shop.get(f"notifications/{posted['id']}")
        assert found["state"] == "done"
    assert took < 10, "each statement waits for half a second, and then none for a while"
    swept_when_free()
    notify(shop, "abe")
    work()  # what was not counted of the attempts is counted with these
    assert not PendingCount.objects.exists()
    assert shop.counts(posted) == {"inbox": {"delivered": 3}}
    states = StateCount.objects.filter(notification_id=posted["id"]).values_list("state")
    assert {state: n for state, n in states.annotate(Sum("count")) if n} == {"delivered": 3}
    assert total(HourCount, state="delivered") == 4
    assert total(MinuteCount, outcome="accepted") == 4


def test_what_is_put_aside_is_counted_once_the_table_is_free_and_not_before(shop, work):
    posted = notify(shop, "ada", "bob")
    with table_locked("delivery_statecount", "SHARE"):
        work()
        assert PendingCount.objects.exists() and total(StateCount) == 0
        assert shop.counts(posted) == {"inbox": {"delivered": 2}}
        swept_when_free()  # it is still locked
        assert PendingCount.objects.exists() and total(StateCount) == 0
        assert shop.counts(posted) == {"inbox": {"delivered": 2}}
    swept_when_free()
    assert not PendingCount.objects.exists()
    assert total(StateCount, notification_id=posted["id"], state="delivered") == 2
    assert shop.counts(posted) == {"inbox": {"delivered": 2}}


def test_one_to_a_single_recipient_is_counted_when_somebody_asks(shop, work, monkeypatch):
    posted, others = notify(shop, "ada"), notify(shop, "bob", "eve")
    work()
    assert shop.counts(posted) == {"inbox": {"delivered": 1}}
    assert shop.get(f"notifications/{posted['id']}")["state"] == "done"
    assert not StateCount.objects.filter(notification_id=posted["id"]).exists()
    assert total(StateCount, notification_id=others["id"], state="delivered") == 2
    assert selectors.state_counts([posted["id"], others["id"]]) == {
        UUID(posted["id"]): {"delivered": 1},
        UUID(others["id"]): {"delivered": 2},
    }
    assert total(HourCount, state="delivered") == 3, "usage counts both"


def test_one_to_a_single_recipient_is_cancelled_while_it_waits_and_not_once_it_is_done(
    shop, work, monkeypatch
):
    done = notify(shop, "ada")
    work()
    answer = shop.post(f"notifications/{done['id']}/cancel", None, status=200)
    assert answer["state"] == "done"
    failing = Retry(Reason.PROVIDER_ERROR)
    monkeypatch.setattr(Scripted, "answer", staticmethod(lambda message: failing))
    waiting = notify(shop, "bob")
    work()
    assert shop.counts(waiting) == {"inbox": {"retrying": 1}}
    answer = shop.post(f"notifications/{waiting['id']}/cancel", None, status=200)
    assert answer["state"] == "cancelled"
    assert shop.counts(waiting) == {"inbox": {"cancelled": 1}}


def test_attempts_are_counted_however_often_the_table_is_found_locked(shop, work):
    with table_locked("delivery_minutecount", "SHARE"):
        for name in ("ada", "bob", "eve"):
            notify(shop, name)
            work()
            counts._blocked.until = 0.0  # some seconds later, and it is locked again
    notify(shop, "abe")
    work()
    assert total(MinuteCount, outcome="accepted") == 4


def test_attempts_kept_while_the_table_was_locked_outlive_a_statement_that_fails(shop, work):
    with table_locked("delivery_minutecount", "SHARE"):
        notify(shop, "ada")
        work()
    counts._blocked.until = 0.0
    with pytest.raises(ValueError, match="NUL"):
        counts.add_attempts(Counter({("inbox", "\0", "accepted", "", 0): 1}))
    notify(shop, "abe")
    work()
    assert total(MinuteCount, outcome="accepted") == 2


def test_what_was_put_aside_is_counted_in_parts_and_none_while_the_table_is_locked(
    shop, monkeypatch
):
    posted = notify(shop, "ada", "bob")
    moved = [("queued", -3), ("sending", 2), ("delivered", 1)]
    counts.put_aside([((posted["id"], "inbox", state), number) for state, number in moved])
    monkeypatch.setattr(counts, "PENDING_AT_ONCE", 2)
    counts._blocked.until = float("inf")
    assert counts.count_pending() == 0 and PendingCount.objects.count() == 3
    counts._blocked.until = 0.0
    before = total(StateCount, notification_id=posted["id"], state="queued")
    assert [counts.count_pending() for _ in range(3)] == [2, 1, 0]
    assert total(StateCount, notification_id=posted["id"], state="queued") == before - 3
    for state, number in moved[1:]:
        assert total(StateCount, notification_id=posted["id"], state=state) == number


def test_who_repeats_their_transaction_pays_for_no_savepoint(shop):
    posted = notify(shop, "ada")

    def savepoints(repeat):
        def count():
            with transaction.atomic():
                counts.add(Counter({(posted["id"], "inbox", "sending"): 1}))

        with CaptureQueriesContext(connection) as queries:
            repeat(count)
        return sum(query["sql"].startswith("SAVEPOINT") for query in queries)

    assert savepoints(counts.retry_when_locked) == 0
    assert savepoints(lambda count: count()) == 1, "the next one does not repeat it"


def test_while_counts_are_free_nothing_is_put_aside(shop, work, monkeypatch):
    def aside(changed):
        raise AssertionError("it could have been counted")

    monkeypatch.setattr(counts, "put_aside", aside)
    posted = notify(shop, "ada")
    work()
    assert shop.counts(posted) == {"inbox": {"delivered": 1}}


def test_a_cancel_a_redrive_and_a_lost_claim_wait_for_no_count_either(
    shop, work, wake, monkeypatch, settings
):
    settings.RETRY_SCHEDULES = {**settings.RETRY_SCHEDULES, "inbox": ()}
    failing = Retry(Reason.PROVIDER_ERROR)
    monkeypatch.setattr(Scripted, "answer", staticmethod(lambda message: failing))
    dead = notify(shop, "ada")
    work()
    assert shop.counts(dead) == {"inbox": {"dead": 1}}
    monkeypatch.undo()
    settings.RETRY_SCHEDULES = {**settings.RETRY_SCHEDULES, "inbox": (1.0, 1.0)}
    lost = notify(shop, "bob")
    assert len(claim().deliveries) == 1
    with table_locked("delivery_statecount", "SHARE"):
        shop.post("dead-letters/redrive", {"match": {}}, status=200)
        assert shop.counts(dead) == {"inbox": {"retrying": 1}}
        shop.post(f"notifications/{dead['id']}/cancel", None, status=200)
        assert shop.counts(dead) == {"inbox": {"cancelled": 1}}
        lose_claims()
        assert shop.counts(lost) == {"inbox": {"retrying": 1}}
    swept_when_free()
    assert not PendingCount.objects.exists()
    assert shop.counts(dead) == {"inbox": {"cancelled": 1}}
    assert shop.counts(lost) == {"inbox": {"retrying": 1}}


@pytest.fixture
def spread(shop, work):
    return spread_out(shop, work, "ada", "bob", "eve")


def spread_out(shop, work, *names):
    """Post a notification whose counts are in several slots."""
    posted = notify(shop, *names)
    work()
    row = StateCount.objects.get(notification_id=posted["id"], state="delivered")
    for slot in (1, 2):  # as if three workers had sent them
        other = (row.slot + slot) % counts.SLOTS
        StateCount.objects.create(
            notification_id=row.notification_id,
            channel="inbox",
            state="delivered",
            slot=other,
            count=1,
        )
    StateCount.objects.filter(pk=row.pk).update(count=1)
    assert shop.counts(posted) == {"inbox": {"delivered": 3}}
    return posted


def clean_after(hours):
    clock.synchronize(time.time() + hours * 3600)
    try:
        tasks.purge.apply(throw=True)
    finally:
        clock.measure()


def slots(state):
    return list(StateCount.objects.filter(state=state).values_list("slot", flat=True))


def by_state():
    rows = StateCount.objects.values_list("state").annotate(Sum("count"))
    return {state: number for state, number in rows if number}


def move(posted, number=1):
    """Count a late receipt: it was not delivered after all."""
    key = str(posted["id"])
    moves = {(key, "inbox", "delivered"): -number, (key, "inbox", "failed"): number}
    counts.add(Counter(moves))


def test_slots_become_one_row_after_two_hours(shop, spread):
    clean_after(1.9)
    assert len(slots("delivered")) == 3
    clean_after(2.1)
    assert len(slots("delivered")) == 1
    assert shop.counts(spread) == {"inbox": {"delivered": 3}}
    found = shop.get(f"notifications/{spread['id']}")
    assert found["state"] == "done"


def test_rolling_up_ends_after_its_time_and_goes_on_there(shop, work, spread, monkeypatch):
    spread_out(shop, work, "abe", "cyd", "dan")
    monkeypatch.setattr(rollup, "NOTIFICATIONS_AT_ONCE", 1)
    monkeypatch.setattr(rollup, "LONGEST", -1.0)
    for left in (4, 2):
        clean_after(2.1)
        assert len(slots("delivered")) == left


def test_what_moves_later_is_counted_beside_it_and_added_when_the_content_goes(
    shop, spread, purge_after
):
    clean_after(2.1)
    for _ in range(2):
        move(spread)
    assert shop.counts(spread) == {"inbox": {"delivered": 1, "failed": 2}}
    clean_after(3)
    assert len(slots("delivered")) > 1
    purge_after(7.1)
    assert len(slots("delivered")) == 1
    assert by_state() == {"delivered": 1, "failed": 2}


def test_a_receipt_that_comes_meanwhile_is_counted(shop, spread):
    """In either order: it waits for the roll-up, or the roll-up for it."""
    key = spread["id"]
    moved = (
        "UPDATE delivery_statecount SET count = count + 5 "
        "WHERE notification_id = %s AND state = 'delivered' AND slot = %s"
    )
    thread = threading.Thread(target=run_and_close, args=[lambda: clean_after(2.1)])
    with locks_of(moved, key, max(slots("delivered"))):
        thread.start()
        until(somebody_waits)
    thread.join()
    assert len(slots("delivered")) == 1 and by_state() == {"delivered": 8}


def test_counts_stay_equal_while_many_receipts_come(shop, spread):
    StateCount.objects.filter(state="delivered").update(count=1_000_000)
    enough, moved = threading.Event(), []

    def receive():
        while not enough.is_set():
            move(spread)
            moved.append(spread)

    thread = threading.Thread(target=run_and_close, args=[receive])
    thread.start()
    for number in range(1, 21):
        until(lambda number=number: len(moved) >= number)
        rollup.roll_up_states([spread["id"]])
    enough.set()
    thread.join()
    counts._blocked.until = 0.0
    tasks.sweep.apply(throw=True)
    failed = len(moved)
    assert shop.counts(spread) == {"inbox": {"delivered": 3_000_000 - failed, "failed": failed}}
