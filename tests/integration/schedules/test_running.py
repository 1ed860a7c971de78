"""What is due is run once, whatever happens, and what became of it is recorded."""

import threading
from datetime import datetime, timedelta
from uuid import UUID

import pytest
from django.db import OperationalError, connection

from apps.core import clock
from apps.delivery.intake import load_shedding
from apps.delivery.models import IdempotencyKey, Notification
from apps.delivery.outbox.queues import Queue
from apps.preferences.models import Recipient
from apps.publishers.models import Publisher
from apps.schedules import outcomes, running
from apps.schedules.models import Run, Schedule
from tests.integration.schedules.conftest import DAY, due, forget_runs, runs
from tests.support.database import table_locked
from tests.support.publishers.lookups import forget_lookups
from tests.support.publishers.people import recipient, subscribe


@pytest.fixture(autouse=True)
def _ada(shop) -> None:
    recipient("ada")


def test_an_occurrence_is_sent_and_the_next_one_follows(shop, create, tick, work):
    create()
    occurrence = due()
    tick()
    [run] = runs(shop)
    assert run["state"] == "accepted"
    assert datetime.fromisoformat(run["occurrence"]) == occurrence
    found = shop.get("schedules/daily")
    assert datetime.fromisoformat(found["next_at"]) == occurrence + DAY
    assert (found["runs"], found["failures"]) == (1, 0)
    work()
    assert shop.counts({"id": run["notification_id"]}) == {"inbox": {"delivered": 1}}
    tick()
    assert len(runs(shop)) == 1


def test_nothing_is_sent_before_its_time(shop, create, tick):
    create()
    tick()
    assert runs(shop) == []
    assert not Notification.objects.exists()


def test_ticks_at_once_run_each_occurrence_once(shop, create):
    for number in range(60):
        create(f"daily-{number}")
        due(f"daily-{number}")

    def run_all() -> None:
        while running._page():
            pass
        connection.close()

    threads = [threading.Thread(target=run_all) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    assert Run.objects.filter(state="accepted").count() == 60
    assert Run.objects.values("schedule").distinct().count() == 60
    assert Notification.objects.count() == 60


def test_a_tick_that_dies_before_it_commits_has_done_nothing(shop, create, tick, monkeypatch):
    create()
    occurrence = due()

    def dies(*_: object, **__: object) -> None:
        connection.close()
        raise OperationalError("the connection is gone")

    with monkeypatch.context() as patched:
        patched.setattr(outcomes.Run, "save", dies)
        with pytest.raises(OperationalError):
            tick()
    assert not Notification.objects.exists() and not IdempotencyKey.objects.exists()
    tick()
    [run] = runs(shop)
    assert datetime.fromisoformat(run["occurrence"]) == occurrence
    assert Notification.objects.count() == 1


def test_a_tick_beside_one_that_hangs_leaves_what_that_one_holds(shop, create, tick):
    create()
    due()
    with table_locked("schedules_run"):
        hanging = threading.Thread(target=_page)
        hanging.start()
        while not _somebody_waits():
            pass
        assert running._page() == 0
    hanging.join(60)
    assert [run["state"] for run in runs(shop)] == ["accepted"]


def _page() -> None:
    running._page()
    connection.close()


def _somebody_waits() -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_locks WHERE NOT granted")
        return bool(cursor.fetchone()[0])


def test_an_occurrence_that_was_run_is_not_run_again_where_the_clock_was_set_back(
    shop, create, tick
):
    create()
    occurrence = due()
    tick()
    Schedule.objects.update(over_until=occurrence - DAY, next_at=occurrence, due_at=occurrence)
    tick()
    assert len(runs(shop)) == 1 and Notification.objects.count() == 1
    assert Schedule.objects.get().next_at == occurrence + DAY


def test_the_history_of_other_runs_is_not_read(shop, create, tick, monkeypatch):
    create("yearly")
    create("minutely")
    due("yearly")
    now = due("minutely")
    Schedule.objects.filter(name="yearly").update(over_until=now - DAY * 365)
    minutely = Schedule.objects.get(name="minutely")
    Run.objects.bulk_create(
        Run(schedule=minutely, occurrence=now - timedelta(minutes=age), state="accepted", at=now)
        for age in range(1, 100)
    )
    found = []
    recorded = running._recorded

    def remembered(*arguments):
        found.append(recorded(*arguments))
        return found[-1]

    monkeypatch.setattr(running, "_recorded", remembered)
    tick()
    assert [len(one) for one in found] == [0]
    assert runs(shop, "yearly")[0]["state"] == runs(shop, "minutely")[0]["state"] == "accepted"


def test_a_request_cannot_have_the_key_of_an_occurrence(shop, create, tick):
    create()
    due()
    tick()
    key = IdempotencyKey.objects.get().key
    body = {"user_id": "ada", "content": {"body": "Mine"}}
    shop.post("notifications", body, status=400, **{"Idempotency-Key": key})


def test_of_what_was_missed_the_latest_is_run_once(shop, create, tick):
    create()
    occurrence = due(missed=90)
    tick()
    [run] = runs(shop)
    assert datetime.fromisoformat(run["occurrence"]) == occurrence
    assert (run["state"], run["missed"]) == ("accepted", 90)
    assert Notification.objects.count() == 1


def test_what_was_missed_is_not_run_where_the_schedule_says_so(shop, create, tick):
    create("yearly", misfire="skip")
    Schedule.objects.update(
        cron="0 0 1 1 *",
        starts_at_local="2000-01-01T00:00",
        over_until="2020-01-01T00:00:00Z",
        due_at="2021-01-01T00:00:00Z",
    )
    tick()
    [run] = runs(shop, "yearly")
    assert (run["state"], run["notification_id"]) == ("missed", None)
    assert run["missed"] >= 5
    assert not Notification.objects.exists()
    assert shop.get("schedules/yearly")["next_at"] > run["occurrence"]


def test_a_notification_expires_by_its_occurrence_and_is_not_sent_after(shop, create, tick):
    create("brief", expires_after_seconds=3600)
    occurrence = due("brief")
    tick()
    assert Notification.objects.get().expires_at == occurrence + timedelta(hours=1)
    Schedule.objects.update(cron="0 0 1 1 *", over_until="2020-06-01T00:00:00Z",
                            due_at="2021-01-01T00:00:00Z")  # fmt: skip
    tick()
    assert runs(shop, "brief")[0]["state"] == "missed"


def test_it_ends_after_its_last_run(shop, create, tick):
    create(count=2)
    for _ in range(2):
        forget_runs()
        due()
        tick()
    found = shop.get("schedules/daily")
    assert (found["state"], found["runs"], found["next_at"]) == ("ended", 2, None)
    assert found["next_occurrences"] == []
    assert Notification.objects.count() == 2


def test_a_failed_run_is_recorded_and_the_next_one_goes_on(shop, create, tick, work):
    topic = shop.topic()
    subscribe(topic, Recipient.objects.get(), "inbox")
    create(topic="news", notification={"content": {"body": "News"}})
    assert shop.http.delete("/v1/topics/news").status_code == 204
    occurrence = due()
    tick()
    [run] = runs(shop)
    assert (run["state"], run["problem"]) == ("failed", "/problems/unknown-topic")
    assert "news" in run["detail"]
    found = shop.get("schedules/daily")
    assert found["failures"] == 1
    assert datetime.fromisoformat(found["next_at"]) == occurrence + DAY
    shop.topic()
    forget_runs()
    due()
    tick()
    assert [one["state"] for one in runs(shop)] == ["accepted"]
    assert shop.get("schedules/daily")["failures"] == 0


def test_recipients_that_are_no_more_are_left_out(shop, create, tick, work):
    recipient("bob")
    people = {"user_ids": ["ada", "bob"], "channels": ["inbox"], "content": {"body": "Hi"}}
    create(notification=people)
    Recipient.objects.filter(user_id="bob").delete()
    due()
    tick()
    [run] = runs(shop)
    assert (run["state"], run["detail"]) == (
        "accepted",
        "1 of the recipients is no more, and left out.",
    )
    Recipient.objects.all().delete()
    forget_runs()
    due()
    tick()
    [run] = runs(shop)
    assert (run["state"], run["problem"]) == ("failed", "/problems/unknown-recipient")


def test_a_template_that_is_gone_fails_the_run_and_a_new_version_is_used(shop, create, tick):
    contents = [{"channel": "inbox", "locale": "en", "title": "Hi", "body": "Hello {{ name }}"}]
    body = {"name": "hello", "default_locale": "en", "contents": contents}
    shop.post("templates", body, status=201)
    use = {"user_id": "ada", "template": {"name": "hello", "variables": {"name": "Ada"}}}
    create(notification=use)
    contents[0]["body"] = "Hello {{ name }} and {{ day }}"
    shop.post("templates/hello/versions", {"default_locale": "en", "contents": contents},
              status=201)  # fmt: skip
    due()
    tick()
    assert "day" in runs(shop)[0]["detail"]
    shop.http.delete("/v1/templates/hello")
    forget_runs()
    due()
    tick()
    assert runs(shop)[0]["problem"] == "/problems/unknown-template"


def test_a_run_over_the_quota_or_of_a_publisher_switched_off_fails(shop, create, tick):
    create("one")
    create("two")
    Publisher.objects.update(quota_per_day=1)
    forget_lookups()
    due("one")
    due("two")
    tick()
    states = sorted(runs(shop, name)[0]["problem"] or "" for name in ("one", "two"))
    assert states == ["", "/problems/quota-exceeded"]
    Publisher.objects.update(is_active=False)
    forget_lookups()
    forget_runs()
    due("one")
    tick()
    assert Run.objects.get(schedule__name="one").problem == "inactive-publisher"


def test_one_that_must_wait_for_the_backlog_is_put_off_and_run_then(
    shop, create, tick, monkeypatch
):
    create()
    occurrence = due()
    full = {Queue("inbox", "normal"): "backlog"}
    with monkeypatch.context() as patched:
        patched.setattr(load_shedding, "refused", lambda timeout=0.0: full)
        tick()
    assert runs(shop) == []
    row = Schedule.objects.get()
    assert row.next_at == occurrence and row.due_at > clock.moment() + timedelta(seconds=20)
    Schedule.objects.update(due_at=occurrence)
    tick()
    assert runs(shop)[0]["state"] == "accepted"


def test_one_odd_schedule_is_in_nobodys_way(shop, create, tick, monkeypatch):
    create("odd")
    create("good")
    due("odd")
    due("good")
    accept = outcomes.accept

    def odd(schedule: Schedule, *rest: object) -> None:
        if schedule.name == "odd":
            raise ValueError("a mistake of ours")
        accept(schedule, *rest)

    with monkeypatch.context() as patched:
        patched.setattr(outcomes, "accept", odd)
        tick()
    assert [run["state"] for run in runs(shop, "good")] == ["accepted"]
    assert runs(shop, "odd") == []
    assert Notification.objects.count() == 1
    Schedule.objects.filter(name="odd").update(due_at=clock.moment())
    tick()
    assert [run["state"] for run in runs(shop, "odd")] == ["accepted"]


def test_a_zone_that_this_machine_does_not_know_puts_the_schedule_off(shop, create, tick):
    create()
    occurrence = due()
    Schedule.objects.update(time_zone="Europe/Atlantis")
    tick()
    assert runs(shop) == []
    found = shop.get("schedules/daily")
    assert (found["state"], found["failures"]) == ("active", 1)
    Schedule.objects.update(time_zone="UTC", due_at=occurrence)  # a machine that knows it
    tick()
    assert [run["state"] for run in runs(shop)] == ["accepted"]
    assert shop.get("schedules/daily")["failures"] == 0


def test_one_whose_statements_fail_is_put_off_and_in_nobodys_way(shop, create, tick, monkeypatch):
    create("odd")
    create("good")
    due("odd")
    due("good")
    accept = outcomes.accept

    def odd(schedule: Schedule, *rest: object) -> None:
        if schedule.name == "odd":
            raise OperationalError("canceling statement due to statement timeout")
        accept(schedule, *rest)

    monkeypatch.setattr(outcomes, "accept", odd)
    tick()
    assert [run["state"] for run in runs(shop, "good")] == ["accepted"]
    assert runs(shop, "odd") == []
    assert shop.get("schedules/odd")["failures"] == 1
    page = shop.http.get("/metrics").content.decode()
    assert "notifier_schedules_failing 1.0" in page
    assert "notifier_schedules_overdue_seconds 0.0" not in page, "it is late, though put off"


def test_a_locked_table_puts_no_schedule_off(shop, create, tick):
    create()
    due()
    with connection.cursor() as cursor, table_locked("schedules_run"):
        cursor.execute("SET lock_timeout = '300ms'")
        with pytest.raises(OperationalError):
            tick()
        cursor.execute("RESET lock_timeout")
    assert Schedule.objects.get().due_at <= clock.moment()
    tick()
    assert [run["state"] for run in runs(shop)] == ["accepted"]


def test_a_zone_that_changed_its_rules_moves_what_is_still_to_come(shop, create, tick):
    create()
    later = clock.moment() + timedelta(hours=2)
    Schedule.objects.update(
        cron=f"{later.minute} {later.hour} * * *", time_zone="UTC", due_at=clock.moment()
    )
    tick()
    row = Schedule.objects.get()
    assert row.due_at == row.next_at == later.replace(second=0, microsecond=0)
    assert not Notification.objects.exists()


def test_high_priority_and_critical_categories_need_what_the_writer_had(shop, create, tick):
    create(notification={"user_id": "ada", "priority": "high", "content": {"body": "Now"}})
    due()
    tick()
    assert Notification.objects.get(pk=UUID(runs(shop)[0]["notification_id"])).priority == "high"
    Schedule.objects.update(scopes=[])
    forget_runs()
    due()
    tick()
    assert runs(shop)[0]["problem"] == "/problems/missing-scope"
