"""Group commit: requests stored together keep their own key, errors, quota and answer."""

import threading
import time
from collections.abc import Iterator

import pytest
from django.conf import settings
from django.db import connection

from apps.delivery.intake import group_commit
from apps.delivery.intake.group_commit import PublishRequest
from apps.delivery.models import ChunkTurn, Notification
from apps.publishers.models import DayCount, Publisher
from apps.publishers.selectors import publishers
from tests.integration.delivery.intake.conftest import (
    Asking,
    blocked,
    kinds,
    to_ada,
)
from tests.support.database import locks_of, table_locked
from tests.support.publishers.shop import Shop
from tests.support.waiting import until

#: Seconds for which a thread waits for a connection of the pool.
TIMEOUT = settings.DATABASES["default"]["POOL_OPTIONS"]["TIMEOUT"]

pytestmark = pytest.mark.usefixtures("ada")


def transactions() -> int:
    """Count the transactions that stored notifications."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(DISTINCT xmin::text) FROM delivery_notification")
        return int(cursor.fetchone()[0])


def test_what_comes_while_one_commits_is_stored_together(together):
    answers = together(*[(to_ada(f"{n}"), None) for n in range(6)])
    assert kinds(answers) == [202] * 6
    assert len({body["id"] for _, body in answers}) == 6
    assert (Notification.objects.count(), transactions()) == (7, 2)


def test_a_request_at_rest_is_stored_by_itself(shop):
    for _ in range(3):
        shop.post("notifications", to_ada())
    assert transactions() == 3


def test_after_several_together_the_next_ones_are_waited_for(shop, together, monkeypatch):
    monkeypatch.setattr(group_commit, "SPACING", 1.0)
    together(*[(to_ada(f"{n}"), None) for n in range(group_commit.MANY)])
    asking = Asking(shop)
    for number in range(2):
        asking.ask(to_ada(f"later {number}"))
        time.sleep(0.2)
    assert [status for status, _ in asking.all()] == [202, 202]
    assert transactions() == 3, "the one before them, theirs, and that of both later ones"


def test_requests_that_wait_leave_the_last_connection_to_who_commits(shop, together, monkeypatch):
    many = settings.DATABASE_POOL
    together(*[(to_ada(f"{n}"), None) for n in range(many + 1)])
    monkeypatch.setattr(group_commit, "SPACING", 1.0)
    request = PublishRequest(shop.id, None, (), lambda *_: (), lambda _: {})
    statuses = []

    def ask(connected):
        if connected:
            connection.ensure_connection()
        try:
            statuses.append(group_commit.commit(request).status)
        finally:
            connection.close()

    # This test's thread has one of the pool's, and those that wait for the first the others.
    threads = [threading.Thread(target=ask, args=[number > 0]) for number in range(many)]
    began = time.monotonic()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert statuses == [202] * many
    assert time.monotonic() - began < TIMEOUT, "none waited for the pool in vain"


def test_as_many_as_the_last_time_are_not_waited_for_any_longer(shop, together, monkeypatch):
    together(*[(to_ada(f"{n}"), None) for n in range(group_commit.MANY)])
    monkeypatch.setattr(group_commit, "SPACING", 60.0)
    asking = Asking(shop)
    began = time.monotonic()
    for number in range(group_commit.MANY):
        asking.ask(to_ada(f"later {number}"))
    assert [status for status, _ in asking.all()] == [202] * group_commit.MANY
    assert time.monotonic() - began < 30
    assert transactions() == 3


def test_of_two_with_one_key_the_second_gets_the_firsts_answer(together):
    (_, first), (_, again), other = together(
        (to_ada(), "k"), (to_ada(), "k"), (to_ada("another"), "k")
    )
    assert again == first
    assert kinds([other]) == ["/problems/idempotency-mismatch"]
    assert Notification.objects.count() == 2


def test_a_quota_that_ends_in_the_middle_refuses_those_after_it(shop, together):
    Publisher.objects.filter(pk=shop.id).update(high_quota_per_day=4)
    publishers.changed(shop.id)
    answers = together(*[(to_ada(f"{n}"), f"k{n}") for n in range(5)])
    assert kinds(answers) == [202] * 3 + ["/problems/quota-exceeded"] * 2
    assert sum(DayCount.objects.values_list("count", flat=True)) == 4
    Publisher.objects.filter(pk=shop.id).update(high_quota_per_day=9)
    publishers.changed(shop.id)
    shop.post("notifications", to_ada("4"), **{"Idempotency-Key": "k4"})


def test_another_publishers_quota_is_not_theirs(shop, other_shop, together):
    Publisher.objects.filter(pk=shop.id).update(high_quota_per_day=1)
    publishers.changed(shop.id)
    beside = Asking(other_shop)

    def others() -> None:
        beside.ask(to_ada())
        until(lambda: len(group_commit._queue._waiting) == 3)

    answers = together((to_ada(), None), (to_ada(), None), meanwhile=others)
    assert kinds(answers) == ["/problems/quota-exceeded"] * 2
    assert kinds(beside.all()) == [202]


def test_the_same_is_accepted_once_within_a_group(shop, together):
    same = to_ada(deduplicate_seconds=60)
    (_, first), (_, second), (_, plain) = together((same, "a"), (same, None), (to_ada(), None))
    assert second == {**first, "deduplicated": True}
    assert plain["id"] != first["id"]
    assert shop.post("notifications", same) == second


def test_what_the_quota_refused_does_not_stand_for_what_is_the_same(shop, together):
    Publisher.objects.filter(pk=shop.id).update(high_quota_per_day=2)
    publishers.changed(shop.id)
    same = to_ada(deduplicate_seconds=60)
    answers = together((to_ada(), None), (same, None), (same, None))
    assert kinds(answers) == [202, *["/problems/quota-exceeded"] * 2]
    Publisher.objects.filter(pk=shop.id).update(high_quota_per_day=9)
    publishers.changed(shop.id)
    assert "deduplicated" not in shop.post("notifications", same)


def test_under_an_ordering_key_the_order_is_that_of_acceptance(shop, together):
    answers = together(*[(to_ada(f"{n}", ordering_key="o"), None) for n in range(4)])
    last = shop.post("notifications", to_ada("last", ordering_key="o"))
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT c.notification_id::text FROM delivery_chunk c "
            "JOIN delivery_chunkturn t ON t.chunk_id = c.id ORDER BY t.position"
        )
        order = [id for (id,) in cursor.fetchall()]
    assert order == [body["id"] for _, body in answers] + [last["id"]]
    assert len(set(ChunkTurn.objects.values_list("line", flat=True))) == 1


def test_a_connection_lost_before_the_commit_leaves_nothing(shop, together):
    """Each is asked to retry, and is stored once then."""

    def kill() -> None:
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE pid <> pg_backend_pid() AND datname = current_database() "
                "AND wait_event_type = 'Lock' AND query LIKE '%%delivery_notification%%'"
            )

    requests = [(to_ada(f"{n}"), f"k{n}") for n in range(3)]
    asking = Asking(shop)
    with table_locked("delivery_chunk", "SHARE"):
        asking.ask(to_ada("first"), "first")
        until(lambda: blocked() == 1)
        for number, (body, key) in enumerate(requests, 1):
            asking.ask(body, key)
            until(lambda number=number: len(group_commit._queue._waiting) == number)
        kill()  # the one before them; then they
        until(lambda: len(asking.answers) == 1 and blocked() == 1)
        kill()
        answers = asking.all()
    assert kinds(answers) == ["/problems/unavailable"] * 4
    assert not Notification.objects.exists()
    again = [shop.post("notifications", body, **{"Idempotency-Key": key}) for body, key in requests]
    assert Notification.objects.count() == len({body["id"] for body in again}) == 3


@pytest.fixture
def commits_wait(shop: Shop, ada: None) -> Iterator[None]:
    """A commit is on disk here, and waits for a standby that does not exist. ``ada`` is there."""
    with connection.cursor() as cursor:
        cursor.execute("ALTER SYSTEM SET synchronous_standby_names = 'nobody'")
        cursor.execute("SELECT pg_reload_conf()")
    yield
    with connection.cursor() as cursor:
        cursor.execute("ALTER SYSTEM RESET synchronous_standby_names")
        cursor.execute("SELECT pg_reload_conf()")


def waiting_for_standby() -> list[int]:
    """Connections whose COMMIT waits; what commits by itself, such as a key's last use, is none."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pid FROM pg_stat_activity WHERE wait_event = 'SyncRep' AND query = 'COMMIT'"
        )
        return [pid for (pid,) in cursor.fetchall()]


@pytest.mark.usefixtures("commits_wait")
def test_a_connection_lost_in_the_commit_loses_and_doubles_nothing(shop, together):
    """It was stored though nobody knows; a retry under the key is answered with it."""
    requests = [(to_ada(f"{n}"), f"k{n}") for n in range(3)]
    asking = Asking(shop)
    asking.ask(to_ada("first"), "first")
    until(lambda: len(waiting_for_standby()) == 1)
    for number, (body, key) in enumerate(requests, 1):
        asking.ask(body, key)
        until(lambda number=number: len(group_commit._queue._waiting) == number)
    for left in (3, 0):  # the one before them; then they
        until(lambda: len(waiting_for_standby()) == 1)
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_terminate_backend(%s)", waiting_for_standby())
        until(lambda left=left: len(asking.answers) == 4 - left)
    assert kinds(asking.all()) == ["/problems/unavailable"] * 4
    assert Notification.objects.count() == 4
    with connection.cursor() as cursor:
        cursor.execute("ALTER SYSTEM RESET synchronous_standby_names")
        cursor.execute("SELECT pg_reload_conf()")
    for body, key in requests:
        shop.post("notifications", body, **{"Idempotency-Key": key})
    assert Notification.objects.count() == 4


def test_one_that_takes_long_is_not_waited_for(shop):
    """The request waits for another transaction, which accepts the same and does not end."""
    same = to_ada(deduplicate_seconds=60)
    shop.post("notifications", same)
    slow = Asking(shop)
    with locks_of("UPDATE delivery_deduplication SET until = clock_timestamp()"):
        slow.ask(same)
        until(lambda: blocked() == 1)
        quick = Asking(shop)
        for number in range(4):
            quick.ask(to_ada(f"{number}"))
        assert kinds(quick.all()) == [202] * 4
        assert not slow.answers
    assert kinds(slow.all()) == [202]
