"""Schedules over HTTP."""

import threading
from datetime import UTC, datetime, timedelta

import pytest
import redis
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from apps.core import old_rows
from apps.delivery.models import Notification
from apps.publishers.models import ApiKey, AuditEvent, Publisher
from apps.schedules.models import Run, Schedule
from tests.integration.schedules.conftest import DAY, due, runs
from tests.support.database import run_and_close
from tests.support.publishers.lookups import REDIS_URL, forget_lookups
from tests.support.publishers.people import recipient
from tests.support.publishers.shop import make_shop

HELLO = {"content": {"title": "Hello", "body": "There"}}


@pytest.fixture(autouse=True)
def _ada(shop) -> None:
    recipient("ada")


def patched(shop, body, status=200, name="daily"):
    answer = shop.http.patch(f"/v1/schedules/{name}", body, format="json")
    assert answer.status_code == status, answer.json()
    return answer.json()


def test_a_schedule_shows_what_its_rule_means(shop, create):
    made = create(rrule="FREQ=WEEKLY;BYDAY=MO;BYHOUR=9;BYMINUTE=0", cron=None,
                  starts_at_local="2030-03-18T00:00")  # fmt: skip
    assert made["next_occurrences"] == [
        "2030-03-18T09:00:00+01:00",
        "2030-03-25T09:00:00+01:00",
        "2030-04-01T09:00:00+02:00",
        "2030-04-08T09:00:00+02:00",
        "2030-04-15T09:00:00+02:00",
    ]
    assert made["next_at"] == "2030-03-18T08:00:00Z"
    assert (made["state"], made["misfire"], made["cron"]) == ("active", "run_once", None)
    assert made["notification"]["content"] == {"body": "Hi"}
    assert shop.get("schedules/daily") == made
    [listed] = shop.get("schedules")["data"]
    assert listed == {k: made[k] for k in listed}
    assert "notification" not in listed


def test_an_end_and_a_count_bound_what_is_shown(create):
    two = create("two", starts_at_local="2030-01-01T00:00", ends_at_local="2030-01-02T09:00")
    assert two["next_occurrences"] == ["2030-01-01T09:00:00+01:00", "2030-01-02T09:00:00+01:00"]
    assert len(create("three", count=3)["next_occurrences"]) == 3


@pytest.mark.parametrize(
    ("fields", "pointer", "said"),
    [
        ({"cron": None}, "", "either rrule or cron"),
        ({"rrule": "FREQ=DAILY"}, "", "either rrule or cron"),
        ({"cron": "0 9 * *"}, "/cron", "five fields"),
        ({"cron": "0 0 31 2 *"}, "/cron", "never occurs"),
        ({"cron": None, "rrule": "FREQ=SECONDLY"}, "/rrule", "whole minutes"),
        ({"cron": None, "rrule": "FREQ=DAILY;COUNT=2"}, "/rrule", "count"),
        ({"ends_at_local": "2020-01-01T00:00"}, "/cron", "before 2020-01-01"),
        ({"starts_at_local": "2026-12-01"}, "/starts_at_local", "to the minute"),
        ({"starts_at_local": "2026-12-01T09:00Z"}, "/starts_at_local", "to the minute"),
        ({"starts_at_local": "9999-12-01T09:00"}, "/starts_at_local", "to the minute"),
        ({"time_zone": "Mars/Phobos"}, "/time_zone", "no time zone"),
        ({"time_zone": None}, "/time_zone", "required"),
        ({"misfire": "panic"}, "/misfire", "run_once, skip"),
        ({"count": 0}, "/count", "1"),
        ({"expires_after_seconds": 5}, "/expires_after_seconds", "60"),
        ({"topic": "news"}, "", "one of them"),
        ({"notification": {"content": {"body": "Hi"}}}, "", "Say who gets it"),
        ({"notification": {"user_id": "ada"}}, "/notification/content", "content or a template"),
        ({"notification": {"user_id": "ada", **HELLO, "send_at": "2030-01-01T00:00:00Z"}},
         "/notification/send_at", "no such field"),
        ({"notification": {"user_id": "bob", **HELLO}}, "/notification/user_id", "not a recipient"),
        ({"notification": {"user_id": "ada", "template": {"name": "x"}}},
         "/notification/template/name", "no template"),
        ({"topic": "none", "notification": HELLO}, "/topic", "no topic"),
        ({"group": "none", "notification": HELLO}, "/group", "no group"),
        ({"name": "a b"}, "/name", "begins with a letter"),
        ({"every": "day"}, "/every", "no such field"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_refused_and_pointed_at(create, fields, pointer, said):
    problem = create(status=400, **{"name": "daily", **fields})
    assert problem["errors"][0]["pointer"] == pointer, problem
    assert said in problem["errors"][0]["detail"]
    assert not Schedule.objects.exists()


def test_a_name_is_taken_once_by_a_publisher(create, other_shop):
    create()
    assert create(status=409)["type"] == "/problems/schedule-exists"
    body = {"name": "daily", "cron": "0 9 * * *", "time_zone": "UTC",
            "notification": {"user_id": "ada", **HELLO}}  # fmt: skip
    other_shop.post("schedules", body, status=201)


def test_anothers_schedule_is_not_there(create, other_shop):
    create()
    for path in ("schedules/daily", "schedules/daily/runs"):
        other_shop.get(path, status=404)
    for verb in ("pause", "resume", "run"):
        other_shop.post(f"schedules/daily/{verb}", None, status=404)
    assert other_shop.http.delete("/v1/schedules/daily").status_code == 404


def test_a_publisher_has_so_many_schedules(create, settings):
    settings.SCHEDULES_PER_PUBLISHER = 2
    create("one")
    create("two")
    assert "as many as it may" in create("three", status=409)["detail"]


def test_a_publisher_has_so_many_schedules_also_where_they_are_created_at_once(
    shop, create, settings
):
    settings.SCHEDULES_PER_PUBLISHER = 1
    answers = []

    def second() -> None:
        body = {"name": "two", "cron": "0 9 * * *", "time_zone": "UTC",
                "notification": {"user_id": "ada", **HELLO}}  # fmt: skip
        answers.append(shop.http.post("/v1/schedules", body, format="json").status_code)

    thread = threading.Thread(target=run_and_close, args=[second])
    with transaction.atomic():
        create("one")
        thread.start()
        while thread.is_alive() and not _somebody_waits():
            pass
    thread.join()
    assert answers == [409]
    assert Schedule.objects.count() == 1


def _somebody_waits() -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_locks WHERE NOT granted")
        return bool(cursor.fetchone()[0])


def test_high_priority_needs_its_scope_when_a_schedule_is_written(create):
    modest = make_shop("modest", ["notifications:write", "notifications:read"])
    body = {"name": "loud", "cron": "0 9 * * *", "time_zone": "UTC",
            "notification": {"user_id": "ada", "priority": "high", **HELLO}}  # fmt: skip
    assert modest.post("schedules", body, status=403)["scope"] == "notifications:high"
    modest.topic("urgent", default_priority="high")
    to_topic = {**body, "topic": "urgent", "notification": HELLO}
    assert modest.post("schedules", to_topic, status=403)["scope"] == "notifications:high"


def test_a_change_is_validated_with_what_stays(shop, create):
    create(starts_at_local="2030-01-01T00:00")
    changed = patched(shop, {"rrule": "FREQ=DAILY;BYHOUR=7;BYMINUTE=30"})
    assert (changed["cron"], changed["next_occurrences"][0]) == (None, "2030-01-01T07:30:00+01:00")
    changed = patched(shop, {"time_zone": "Asia/Kathmandu"})
    assert changed["next_at"] == "2030-01-01T01:45:00Z"
    shop.topic()
    problem = patched(shop, {"topic": "news"}, 400)
    assert "one of them" in problem["detail"], "the notification names people still"
    changed = patched(shop, {"topic": "news", "notification": HELLO})
    assert (changed["topic"], changed["notification"]) == ("news", HELLO)
    changed = patched(shop, {"count": 5, "ends_at_local": "2031-01-01T00:00"})
    changed = patched(shop, {"count": None, "ends_at_local": None})
    assert (changed["count"], changed["ends_at_local"]) == (None, None)
    assert patched(shop, {"cron": "bad"}, 400)["errors"][0]["pointer"] == "/cron"
    assert patched(shop, {"name": "other"}, 400)["type"] == "/problems/unknown-field"
    actions = AuditEvent.objects.filter(object_type="schedule").values_list("action", flat=True)
    assert set(actions) == {"create", "update"}


def test_a_change_of_words_loses_no_occurrence_that_is_due(shop, create, tick):
    create()
    occurrence = due()
    notification = {"user_id": "ada", "channels": ["inbox"], "content": {"body": "Better"}}
    changed = patched(shop, {"notification": notification})
    assert datetime.fromisoformat(changed["next_at"]) == occurrence
    tick()
    assert runs(shop)[0]["state"] == "accepted"
    changed = patched(shop, {"count": 1_000})
    assert datetime.fromisoformat(changed["next_at"]) == occurrence + DAY


def test_a_change_of_the_rule_holds_from_now_on(shop, create, tick):
    create()
    due()
    patched(shop, {"cron": "0 0 1 1 *"})
    tick()
    assert runs(shop) == []


def test_one_that_ended_goes_on_after_a_change_and_makes_up_for_nothing(shop, create, tick):
    create(count=1)
    occurrence = due()
    tick()
    assert shop.get("schedules/daily")["state"] == "ended"
    Schedule.objects.update(over_until=occurrence - 30 * DAY)
    changed = patched(shop, {"count": 2})
    assert (changed["state"], datetime.fromisoformat(changed["next_at"])) == (
        "active",
        occurrence + DAY,
    )
    assert patched(shop, {"count": 1}, 400)["errors"][0]["pointer"] == "/count"


def test_a_paused_schedule_has_no_next_until_it_is_resumed(shop, create):
    made = create()
    paused = shop.post("schedules/daily/pause", None, status=200)
    assert (paused["state"], paused["next_at"]) == ("paused", None)
    assert paused["next_occurrences"] == made["next_occurrences"]
    assert shop.post("schedules/daily/pause", None, status=200)["state"] == "paused"
    # What was due meanwhile is not made up for.
    Schedule.objects.update(over_until=datetime.now(UTC) - timedelta(days=30))
    resumed = shop.post("schedules/daily/resume", None, status=200)
    assert (resumed["state"], resumed["next_at"]) == ("active", made["next_at"])


def test_the_next_occurrence_is_skipped_once(shop, create):
    made = create()
    first, second, *_ = made["next_occurrences"]
    skipped = shop.post("schedules/daily/skip", {"occurrence": made["next_at"]}, status=200)
    assert skipped["next_occurrences"][0] == second
    again = shop.post("schedules/daily/skip", {"occurrence": first}, status=200)
    assert again["next_at"] == skipped["next_at"], "a repeated request skips no other one"
    [run] = runs(shop)
    assert (run["state"], run["occurrence"]) == ("skipped", made["next_at"])
    body = {"occurrence": made["next_occurrences"][3]}
    assert shop.post("schedules/daily/skip", body, status=409)["type"] == "/problems/conflict"


def test_a_new_rule_after_a_skip_begins_now_and_not_after_what_was_skipped(shop, create):
    made = create(cron="0 9 1 1 *")
    shop.post("schedules/daily/skip", {"occurrence": made["next_at"]}, status=200)
    changed = patched(shop, {"cron": "0 9 * * *"})
    assert datetime.fromisoformat(changed["next_at"]) - datetime.now(UTC) <= DAY


def test_it_is_run_by_hand_once_for_a_key(shop, create, work):
    made = create()
    key = {"Idempotency-Key": "by hand"}
    first = shop.post("schedules/daily/run", None, **key)
    assert shop.post("schedules/daily/run", None, **key) == first
    work()
    assert shop.counts({"id": first["notification_id"]}) == {"inbox": {"delivered": 1}}
    [run] = runs(shop)
    assert (run["occurrence"], run["state"]) == (None, "accepted")
    assert run["notification_id"] == first["notification_id"]
    found = shop.get("schedules/daily")
    assert (found["next_at"], found["runs"]) == (made["next_at"], 0)
    assert shop.post("schedules/daily/run", None) != first
    assert Notification.objects.count() == 2


def test_a_lesser_key_runs_nothing_of_high_priority_by_hand(shop, create):
    create(notification={"user_id": "ada", "priority": "high", "content": {"body": "Now"}})
    ApiKey.objects.update(scopes=["notifications:write", "notifications:read"])
    forget_lookups()
    assert shop.post("schedules/daily/run", None, status=403)["type"] == "/problems/missing-scope"
    assert not Notification.objects.exists()


def test_runs_by_hand_of_high_priority_are_within_the_publishers_rate(shop, create):
    create(notification={"user_id": "ada", "priority": "high", "content": {"body": "Now"}})
    shop.topic(default_priority="high")
    create("topical", topic="news", notification=HELLO)
    create("calm")
    Publisher.objects.update(high_rate_per_second=1)
    forget_lookups()
    forget_rate(shop.id)
    for name in ("daily", "topical"):
        shop.post(f"schedules/{name}/run", None)
    for name in ("daily", "topical"):
        problem = shop.post(f"schedules/{name}/run", None, status=429)
        assert (problem["type"], problem["quota"]) == ("/problems/rate-limited", "high")
    shop.post("schedules/calm/run", None)
    assert Notification.objects.count() == 3


def forget_rate(publisher_id: int) -> None:
    client = redis.Redis.from_url(REDIS_URL)
    client.delete(f"notifier:rate:{publisher_id}:high")
    client.close()


def test_a_run_by_hand_that_is_refused_says_why_and_leaves_nothing(shop, create):
    shop.topic()
    create(topic="news", notification=HELLO)
    shop.http.delete("/v1/topics/news")
    problem = shop.post("schedules/daily/run", None, status=400)
    assert problem["type"] == "/problems/unknown-topic"
    assert not Run.objects.exists()


def test_what_a_schedule_says_is_encrypted(create):
    create(notification={"user_id": "ada", "content": {"body": "a very secret thing"}})
    assert b"secret thing" not in bytes(Schedule.objects.get().notification)
    assert not AuditEvent.objects.filter(after__icontains="secret thing").exists()


def test_a_deleted_schedule_is_gone_with_its_runs(shop, create):
    create()
    shop.post("schedules/daily/run", None)
    assert shop.http.delete("/v1/schedules/daily").status_code == 204
    shop.get("schedules/daily", status=404)
    assert not Run.objects.exists()
    assert Notification.objects.count() == 1
    create()


def test_the_runs_of_a_deleted_schedule_go_in_batches_and_those_of_others_stay(
    shop, create, monkeypatch
):
    monkeypatch.setattr(old_rows, "AT_ONCE", 2)
    for name in ("daily", "other"):
        create(name)
        schedule = Schedule.objects.get(name=name)
        Run.objects.bulk_create(
            Run(schedule=schedule, state="accepted", at=datetime.now(UTC)) for _ in range(5)
        )
    with CaptureQueriesContext(connection) as queries:
        assert shop.http.delete("/v1/schedules/daily").status_code == 204
    locks = [one["sql"] for one in queries if "FOR UPDATE" in one["sql"]]
    assert len(locks) == 3, "each batch is a transaction"
    assert list(Run.objects.values_list("schedule__name", flat=True)) == ["other"] * 5
    assert AuditEvent.objects.filter(object_type="schedule", action="delete").count() == 1


def test_hostile_rules_are_answered_at_once(create):
    for rule in (
        "FREQ=MINUTELY;BYMONTH=2;BYMONTHDAY=30",
        "FREQ=YEARLY;INTERVAL=5;BYMONTH=2;BYMONTHDAY=31",
        "FREQ=MONTHLY;BYDAY=5FR;BYMONTHDAY=1;BYSETPOS=-1",
    ):
        assert create(status=400, cron=None, rrule=rule)["errors"][0]["pointer"] == "/rrule"


def test_one_that_expires_before_its_last_step_is_refused(shop, create):
    mail = {"channel": "email", "after_seconds": 600, "unless": "read"}
    text = {"channel": "sms", "after_seconds": 3000}
    notification = {**HELLO, "user_id": "ada", "fallback": {**mail, "then": text}}
    refused = create(notification=notification, expires_after_seconds=3600, status=400)
    [error] = refused["errors"]
    assert error["pointer"] == "/expires_after_seconds" and "3,600" in error["detail"]
    made = create(notification=notification, expires_after_seconds=3601)
    assert made["notification"] == notification
    patched(shop, {"expires_after_seconds": 3000}, status=400)
