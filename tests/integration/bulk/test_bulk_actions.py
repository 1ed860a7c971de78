"""Bulk actions: their progress, their end, and what they do to exactly what matched."""

import io
import os
import subprocess
import sys
import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from django.core.management import call_command
from django.db import connection, transaction
from django.urls import reverse
from django.utils import timezone

from apps.api import pagination
from apps.bulk import running
from apps.bulk.actions import cancelling
from apps.bulk.actions.redriving import Redriving
from apps.bulk.models import BulkAction
from apps.core import clock
from apps.delivery.models import Chunk, DeadLetter, Delivery, Notification
from apps.delivery.operations import dead_letters
from apps.preferences.models import Recipient
from apps.publishers.models import AuditEvent
from tests.support.database import run_and_close
from tests.support.publishers.people import recipient
from tests.support.publishers.shop import HELLO, Shop
from tests.support.waiting import until


@pytest.fixture
def dead(shop: Shop, work, providers) -> list[Delivery]:
    """Three dead letters, since Twilio refuses our credentials; then it takes them again."""
    providers.client.behave("twilio", "401")
    people = [f"person-{number}" for number in range(3)]
    for number, name in enumerate(people):
        recipient(name, sms=f"+1202555010{number}")
    shop.post("notifications", {"user_ids": people, "channels": ["sms"], "content": HELLO})
    work()
    providers.client.heal()
    found = list(Delivery.objects.filter(state="dead").order_by("id"))
    assert len(found) == 3
    return found


@pytest.fixture
def scheduled(shop: Shop) -> Callable[..., Any]:
    """Post a notification for later, to one person."""

    def post(to: Shop = shop, **fields: Any) -> Any:
        if not Recipient.objects.filter(user_id="ada").exists():
            recipient("ada")
        later = (timezone.now() + timedelta(hours=1)).isoformat()
        body = {"user_id": "ada", "channels": ["inbox"], "content": HELLO, "send_at": later}
        return to.post("notifications", {**body, **fields})

    return post


def begin(shop: Shop, action: str, status: int = 202, **match: Any) -> Any:
    return shop.post("bulk-actions", {"action": action, "match": match}, status=status)


def read(shop: Shop, begun: Any) -> Any:
    return shop.get(f"bulk-actions/{begun['id']}")


def states() -> list[str]:
    return list(Delivery.objects.order_by("id").values_list("state", flat=True))


def test_all_that_match_are_redriven_in_the_background(shop, dead, wake, work):
    DeadLetter.objects.filter(pk=dead[2].pk).update(reason="timeout")
    begun = begin(shop, "redrive", channel="sms", reason="authentication")
    assert (begun["state"], begun["total"], begun["done"]) == ("waiting", None, 0)
    assert states() == ["dead"] * 3
    running.tick()
    found = read(shop, begun)
    assert (found["state"], found["total"], found["done"]) == ("done", 2, 2)
    assert found["counts"] == {"gone": 0, "redriven": 2}
    assert found["started_at"] <= found["finished_at"]
    assert states() == ["retrying", "retrying", "dead"]
    wake()
    work()
    assert states() == ["accepted", "accepted", "dead"]


def test_one_whose_rows_cannot_be_counted_in_time_is_done_all_the_same(
    shop, operator, dead, monkeypatch
):
    monkeypatch.setattr(running, "LONGEST_COUNT", 50)

    def count(*_: Any) -> int:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_sleep(600)")
        return 3

    monkeypatch.setattr(Redriving, "total", count)
    begun = begin(shop, "redrive")
    running.tick()
    found = read(shop, begun)
    assert (found["state"], found["total"], found["done"]) == ("done", None, 3)
    page = reverse("admin:bulk_bulkaction_change", args=[begun["id"]])
    assert "3 of an unknown number" in operator.get(page).content.decode()


def test_what_dies_later_is_none_of_it(shop, dead):
    begun = begin(shop, "redrive")
    DeadLetter.objects.filter(pk=dead[0].pk).update(died_at=clock.moment() + timedelta(seconds=5))
    running.tick()
    assert read(shop, begun)["done"] == 2
    assert states() == ["dead", "retrying", "retrying"]


def test_a_batch_that_fails_leaves_nothing_and_is_done_again(shop, dead, monkeypatch):
    monkeypatch.setattr(dead_letters, "AT_ONCE", 1)
    begun = begin(shop, "redrive")
    redrive = dead_letters.redrive
    calls: list[int] = []

    def failing(*arguments: Any) -> Any:
        done = redrive(*arguments)
        calls.append(done.redriven)
        if len(calls) == 2:
            raise RuntimeError("the process is gone")
        return done

    monkeypatch.setattr(dead_letters, "redrive", failing)
    running.tick()
    running.tick()
    found = read(shop, begun)
    assert (found["state"], found["done"]) == ("done", 3)
    assert sum(calls) == 4, "the second batch was done twice, and committed once"
    events = AuditEvent.objects.filter(action="redrive")
    assert sum(event.after["rows"] for event in events) == 3


_KILLED = """
import os, signal, sys
from apps.bulk import running
from apps.delivery.operations import dead_letters
dead_letters.AT_ONCE = 1
do = running._do
def once(row, batch):
    do(row, batch)
    os.kill(os.getpid(), signal.SIGKILL)
running._do = once
running.tick()
"""


def test_a_process_that_is_killed_is_followed_by_another_one(shop, dead):
    begun = begin(shop, "redrive")
    database = connection.settings_dict
    environment = {**os.environ, "KILLED_DATABASE": str(database["NAME"])}
    code = (
        "import django; django.setup()\n"
        "import os\n"
        "from django.db import connections\n"
        "connections['default'].settings_dict['NAME'] = os.environ['KILLED_DATABASE']\n" + _KILLED
    )
    ended = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False
    )
    assert ended.returncode == -9, ended.stderr
    found = read(shop, begun)
    assert (found["state"], found["done"]) == ("running", 1)
    running.tick()
    assert read(shop, begun)["done"] == 1, "its lease is not over"
    BulkAction.objects.update(leased_until=clock.moment())
    running.tick()
    assert (read(shop, begun)["state"], read(shop, begun)["done"]) == ("done", 3)
    assert states() == ["retrying"] * 3


def test_one_process_at_a_time_works_on_an_action(shop, dead):
    begun = begin(shop, "redrive")
    BulkAction.objects.update(leased_until=clock.moment() + timedelta(seconds=30))
    running.tick()
    assert read(shop, begun)["state"] == "waiting"
    assert states() == ["dead"] * 3


def test_an_aborted_one_does_nothing_more(shop, dead, monkeypatch):
    monkeypatch.setattr(dead_letters, "AT_ONCE", 1)
    begun = begin(shop, "redrive")
    do = running._do
    aborted: list[Any] = []

    def aborting(row: BulkAction, batch: Any) -> bool:
        more = do(row, batch)
        if not aborted:
            aborted.append(shop.post(f"bulk-actions/{begun['id']}/abort", None, status=200))
        return more

    monkeypatch.setattr(running, "_do", aborting)
    running.tick()
    running.tick()
    assert (aborted[0]["state"], aborted[0]["done"]) == ("aborted", 1)
    assert states() == ["retrying", "dead", "dead"]
    again = shop.post(f"bulk-actions/{begun['id']}/abort", None, status=200)
    assert again == aborted[0]
    assert AuditEvent.objects.filter(action="abort").count() == 1


def test_what_is_not_finished_in_a_restored_database_is_aborted(shop, dead):
    begin(shop, "redrive", channel="email")
    running.tick()
    begun = begin(shop, "redrive")
    output = io.StringIO()
    call_command("hold", stdout=output)
    said = [line for line in output.getvalue().splitlines() if "bulk action" in line]
    assert len(said) == 1
    assert begun["id"] in said[0] and "is aborted after 0 rows" in said[0]
    running.tick()
    assert read(shop, begun)["state"] == "aborted"
    assert states() == ["dead"] * 3
    assert BulkAction.objects.get(pk=begun["id"]).aborted_by == "hold"
    assert AuditEvent.objects.get(action="abort").object_name == begun["id"]


def test_a_tick_ends_after_its_time_and_the_next_one_begins_behind_it(shop, dead, monkeypatch):
    monkeypatch.setattr(running, "LONGEST_TICK", 0.001)
    begun = [begin(shop, "redrive", channel="email") for _ in range(3)]
    for number in range(1, 4):
        running.tick()
        assert BulkAction.objects.exclude(finished_at=None).count() == number
    assert read(shop, begun[0])["state"] == "done"


def test_a_publisher_has_no_more_than_ten_that_are_not_finished(shop, other_shop):
    begun = [begin(shop, "redrive") for _ in range(10)]
    assert "abort one" in begin(shop, "redrive", status=409)["detail"]
    begin(other_shop, "redrive")
    shop.post(f"bulk-actions/{begun[0]['id']}/abort", None, status=200)
    begin(shop, "redrive")


def test_one_that_is_done_stays_so(shop, dead):
    begun = begin(shop, "redrive")
    running.tick()
    assert shop.post(f"bulk-actions/{begun['id']}/abort", None, status=200)["state"] == "done"


def test_notifications_that_match_are_cancelled_and_no_others(
    shop, other_shop, scheduled, monkeypatch
):
    monkeypatch.setattr(cancelling, "AT_ONCE", 2)
    monkeypatch.setattr(pagination, "MOST_EXAMINED", 2)
    wanted = [scheduled(reference="launch") for _ in range(5)]
    others = [scheduled(reference="other"), scheduled(), scheduled(other_shop, reference="launch")]
    begun = begin(shop, "cancel", reference="launch", state="scheduled")
    late = scheduled(reference="launch")
    running.tick()
    found = read(shop, begun)
    assert (found["state"], found["total"], found["done"]) == ("done", 5, 5)
    assert found["counts"] == {"cancelled": 5, "unchanged": 0}
    gone = Notification.objects.filter(cancelled_at__isnull=False)
    assert {str(row.pk) for row in gone} == {one["id"] for one in wanted}
    assert late["id"] not in {str(row.pk) for row in gone}, "it was posted afterwards"
    events = AuditEvent.objects.filter(action="cancel", object_type="notification")
    assert {event.object_name for event in events} == {one["id"] for one in wanted}
    assert {event.after["bulk_action"] for event in events} == {begun["id"]}
    assert len(others) == 3


def test_what_was_sent_already_is_left_as_it_is(shop, scheduled, work):
    recipient("bob")
    body = {"user_id": "bob", "channels": ["inbox"], "content": HELLO, "reference": "launch"}
    sent = shop.post("notifications", body)
    work()
    scheduled(reference="launch")
    begun = begin(shop, "cancel", reference="launch")
    running.tick()
    assert read(shop, begun)["counts"] == {"cancelled": 1, "unchanged": 1}
    assert shop.get(f"notifications/{sent['id']}")["state"] == "done"


@pytest.mark.parametrize("seconds", [-30, 30])
def test_what_was_posted_before_is_cancelled_though_hosts_have_other_clocks(
    shop, scheduled, seconds
):
    before = scheduled(reference="launch")
    begun = begin(shop, "cancel", reference="launch")
    after = scheduled(reference="launch")
    # As a host whose clock is wrong would have made its id.
    key = UUID(int=UUID(begun["id"]).int + (seconds * 1000 << 80))
    BulkAction.objects.update(id=key)
    running.tick()
    rows = Notification.objects.in_bulk([before["id"], after["id"]])
    assert [rows[UUID(one["id"])].cancelled_at is None for one in (before, after)] == [False, True]


def test_what_has_nothing_left_but_dead_letters_can_still_be_redriven(
    shop, dead, scheduled, wake, work
):
    scheduled()
    begun = begin(shop, "cancel", priority="normal")
    running.tick()
    assert read(shop, begun)["counts"] == {"cancelled": 1, "unchanged": 1}
    begin(shop, "redrive")
    running.tick()
    wake()
    work()
    assert states() == ["accepted"] * 3


def test_what_is_not_scheduled_is_not_gone_through_for_what_is(shop, dead, scheduled):
    scheduled()
    begun = begin(shop, "cancel", priority="normal", state="scheduled")
    running.tick()
    found = read(shop, begun)
    assert (found["total"], found["done"]) == (1, 1)
    assert found["counts"] == {"cancelled": 1, "unchanged": 0}


def test_each_notification_is_cancelled_in_a_transaction_of_its_own(shop, scheduled):
    first, second = (scheduled(reference="launch") for _ in range(2))
    begun = begin(shop, "cancel", reference="launch")
    working = threading.Thread(target=run_and_close, args=[running.tick])
    with transaction.atomic():  # a claim that goes on for a while
        assert Chunk.objects.select_for_update().filter(notification=second["id"]).get()
        working.start()
        until(lambda: Notification.objects.get(pk=first["id"]).cancelled_at is not None)
        assert read(shop, begun)["done"] == 1
    working.join()
    assert read(shop, begun)["counts"] == {"cancelled": 2, "unchanged": 0}


def test_what_waits_since_a_provider_failed_is_tried_now(shop, providers, work, wake):
    providers.client.behave("twilio", "503")
    for number, name in enumerate(("ada", "bob")):
        recipient(name, sms=f"+1202555010{number}")
    body = {"user_ids": ["ada", "bob"], "channels": ["sms"], "content": HELLO}
    shop.post("notifications", body)
    work()
    assert states() == ["retrying"] * 2
    quiet = Delivery.objects.order_by("id").last()
    assert quiet is not None
    Delivery.objects.filter(pk=quiet.pk).update(reason="quiet_hours")
    providers.client.heal()
    Delivery.objects.update(next_attempt_at=timezone.now() + timedelta(hours=1))
    before = list(Delivery.objects.order_by("id").values_list("attempts", flat=True))
    begun = begin(shop, "release", channel="sms")
    running.tick()
    assert read(shop, begun)["counts"] == {"released": 1}
    work()
    assert states() == ["accepted", "retrying"], "a person's quiet hours are theirs"
    assert before == [1, 1]
    again = begin(shop, "release", channel="sms")
    running.tick()
    assert (read(shop, again)["state"], read(shop, again)["done"]) == ("done", 0)


def test_they_are_listed_to_their_publisher_alone(shop, other_shop, dead):
    begun = [begin(shop, "redrive", channel="sms"), begin(shop, "release")]
    listed = shop.get("bulk-actions")["data"]
    assert [one["id"] for one in listed] == [one["id"] for one in reversed(begun)]
    assert len(shop.get("bulk-actions", action="redrive")["data"]) == 1
    assert other_shop.get("bulk-actions")["data"] == []
    other_shop.get(f"bulk-actions/{begun[0]['id']}", status=404)
    other_shop.post(f"bulk-actions/{begun[0]['id']}/abort", None, status=404)


def test_anothers_rows_are_not_touched(shop, other_shop, dead):
    begun = begin(other_shop, "redrive", channel="sms")
    running.tick()
    assert read(other_shop, begun)["total"] == 0
    assert states() == ["dead"] * 3


def test_finished_ones_are_deleted_with_the_audit_trail(shop, dead, settings):
    begin(shop, "redrive")
    running.tick()
    assert running.purge() == 0
    long_ago = clock.moment() - timedelta(days=settings.AUDIT_DAYS + 1)
    BulkAction.objects.update(finished_at=long_ago)
    assert running.purge() == 1
