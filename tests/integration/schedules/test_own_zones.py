"""Schedules on each recipient's own clocks: what is run when, and who gets it."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.db import OperationalError, connection
from django.db.models.functions import Now

from apps.core import clock
from apps.delivery.models import Chunk, Delivery, Notification
from apps.inbox.models import InboxItem
from apps.preferences.models import Recipient
from apps.schedules import outcomes
from apps.schedules.models import Run, Schedule
from apps.schedules.timetables import LEAD
from notifier.domain.times.local_time import AROUND, FIRST
from tests.integration.schedules.conftest import DAY, runs
from tests.support.deliveries.workers import cut
from tests.support.publishers.people import recipient, subscribe

#: From east to west.
ZONES = ("Pacific/Kiritimati", "Asia/Tokyo", "Europe/Vienna", "America/New_York", "Etc/GMT+12")
HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)
NEWS = {"channels": ["inbox"], "content": {"body": "News"}}


@pytest.fixture(autouse=True)
def _everybody(shop) -> None:
    """A person in each zone, subscribed to a topic."""
    topic = shop.topic()
    for zone in ZONES:
        person = recipient(name_of(zone))
        Recipient.objects.filter(pk=person.pk).update(time_zone=zone)
        subscribe(topic, person, "inbox")


def name_of(zone: str) -> str:
    return "".join(one if one.isalnum() else "-" for one in zone).lower()


@pytest.fixture
def everywhere(create):
    """Create a schedule to the topic, every day at nine in its subscribers' zones."""

    def make(**fields):
        return create(**{"time_zone": "recipient", "topic": "news", "notification": NEWS, **fields})

    return make


def begins(ago: timedelta, *, before: int = 0) -> datetime:
    """Have a daily occurrence begin so long ago; return its local time.

    ``before``: further ones before it that were not run.
    """
    moment = (clock.moment() - ago).replace(second=0, microsecond=0)
    wall = moment.astimezone(FIRST).replace(tzinfo=None)
    oldest = moment - DAY * before
    Schedule.objects.update(
        cron=f"{wall.minute} {wall.hour} * * *",
        starts_at_local="2000-01-01T00:00",
        over_until=oldest - DAY,
        next_at=oldest,
        due_at=oldest - LEAD,
    )
    return wall


def text(wall: datetime) -> str:
    return f"{wall:%Y-%m-%dT%H:%M}"


def there(zone: str, wall: datetime) -> datetime:
    return wall.replace(tzinfo=ZoneInfo(zone)).astimezone(UTC)


def parts() -> list[datetime]:
    """When each part of the audience that is still to come is due."""
    rows = Chunk.objects.filter(kind="listed", ready_at__gt=clock.moment())
    return list(rows.order_by("ready_at").values_list("ready_at", flat=True))


def readers() -> list[str]:
    return sorted(InboxItem.objects.values_list("recipient__user_id", flat=True))


def test_it_shows_times_on_the_wall_and_when_the_next_one_begins(shop, everywhere):
    made = everywhere(starts_at_local="2030-03-30T00:00", count=3)
    nine = ["2030-03-30T09:00", "2030-03-31T09:00", "2030-04-01T09:00"]
    assert (made["time_zone"], made["next_occurrences"]) == ("recipient", nine)
    assert made["next_at"] == "2030-03-29T19:00:00Z"
    assert shop.get("schedules/daily") == made
    assert Schedule.objects.get().due_at == datetime(2030, 3, 29, 19, tzinfo=UTC) - LEAD
    ends = everywhere(name="two", starts_at_local=nine[0], ends_at_local=nine[1])
    assert ends["next_occurrences"] == nine[:2]


def test_the_first_one_is_to_come_everywhere(everywhere):
    now = clock.moment().astimezone(FIRST)
    passed = now - 2 * MINUTE
    made = everywhere(
        cron=f"{passed.minute} {passed.hour} * * *", starts_at_local="2020-01-01T00:00"
    )
    wall = datetime.fromisoformat(made["next_occurrences"][0])
    assert wall.date() == (passed + DAY).date()


def test_it_is_run_in_advance_and_reaches_each_zone_at_its_time(shop, everywhere, tick):
    everywhere()
    wall = begins(-LEAD)
    tick()
    [run] = runs(shop)
    assert (run["state"], run["occurrence"]) == ("accepted", text(wall))
    posted = Notification.objects.get()
    assert (posted.send_at_local, posted.local_time_passed) == (wall.isoformat(), "send")
    assert Chunk.objects.get().ready_at <= clock.moment() + MINUTE
    Chunk.objects.update(ready_at=Now())
    cut()
    assert parts() == [there(zone, wall) for zone in ZONES]
    following = text(wall + DAY)
    assert shop.get("schedules/daily")["next_occurrences"][0] == following
    tick()
    assert len(runs(shop)) == 1


def test_nothing_is_run_before_that(shop, everywhere, tick):
    everywhere()
    begins(-LEAD - 2 * MINUTE)
    tick()
    assert runs(shop) == []


def test_a_tick_that_dies_loses_none_and_doubles_none(shop, everywhere, tick, monkeypatch):
    everywhere()
    wall = begins(-LEAD)

    def dies(*_: object, **__: object) -> None:
        connection.close()
        raise OperationalError("the connection is gone")

    with monkeypatch.context() as patched:
        patched.setattr(outcomes.Run, "save", dies)
        with pytest.raises(OperationalError):
            tick()
    assert not Notification.objects.exists()
    tick()
    now = clock.moment()
    Schedule.objects.update(over_until=now, due_at=now)  # the row is restored as it was
    tick()
    assert [run["occurrence"] for run in runs(shop)] == [text(wall)]
    assert Notification.objects.count() == 1


def test_a_late_one_reaches_those_ahead_in_time_and_the_others_at_once(
    shop, everywhere, tick, work
):
    everywhere()
    wall = begins(8 * HOUR)
    tick()
    work()
    assert readers() == [name_of(zone) for zone in ("Asia/Tokyo", "Pacific/Kiritimati")]
    assert parts() == [there(zone, wall) for zone in ZONES[2:]]


def test_whom_a_late_one_passed_is_not_sent_it_where_what_was_missed_is_skipped(
    shop, everywhere, tick, work
):
    everywhere(misfire="skip")
    wall = begins(8 * HOUR)
    tick()
    work()
    assert runs(shop)[0]["state"] == "accepted"
    assert readers() == []
    assert Delivery.objects.filter(reason="local_time_passed", state="expired").count() == 2
    assert parts() == [there(zone, wall) for zone in ZONES[2:]]


def test_of_two_under_way_the_later_one_is_sent_late(shop, everywhere, tick, work):
    everywhere()
    wall = begins(HOUR, before=1)
    tick()
    work()
    later, earlier = runs(shop)
    assert (later["occurrence"], earlier["occurrence"]) == (text(wall), text(wall - DAY))
    assert (later["missed"], earlier["missed"]) == (0, 0)
    assert readers() == [name_of("Pacific/Kiritimati")], "the later one only"
    assert parts() == sorted(
        [there(zone, wall) for zone in ZONES[1:]] + [there("Etc/GMT+12", wall - DAY)]
    )


def test_of_what_is_over_everywhere_the_latest_is_run_once_or_none(shop, everywhere, tick, work):
    everywhere(ends_at_local=text(datetime.now() + 9 * DAY))
    wall = begins(AROUND + HOUR, before=2)
    Schedule.objects.update(ends_at_local=text(wall))
    tick()
    work()
    [run] = runs(shop)
    assert (run["state"], run["occurrence"], run["missed"]) == ("accepted", text(wall), 2)
    assert len(readers()) == len(ZONES)
    Run.objects.all().delete()
    wall = begins(AROUND + HOUR)
    Schedule.objects.update(ends_at_local=text(wall), misfire="skip")
    tick()
    assert runs(shop)[0]["state"] == "missed"


def test_what_a_pause_passed_by_is_not_made_up_for(shop, everywhere, tick):
    everywhere()
    wall = begins(HOUR)
    shop.post("schedules/daily/pause", None, status=200)
    resumed = shop.post("schedules/daily/resume", None, status=200)
    assert resumed["next_occurrences"][0] == text(wall + DAY)
    tick()
    assert runs(shop) == []


def test_it_is_skipped_by_its_local_time_or_its_moment(shop, everywhere):
    made = everywhere()
    first, second, third, *_ = made["next_occurrences"]
    skipped = shop.post("schedules/daily/skip", {"occurrence": first}, status=200)
    assert skipped["next_occurrences"][0] == second
    again = shop.post("schedules/daily/skip", {"occurrence": made["next_at"]}, status=200)
    assert again["next_occurrences"][0] == second
    assert runs(shop)[0]["occurrence"] == first
    skipped = shop.post("schedules/daily/skip", {"occurrence": skipped["next_at"]}, status=200)
    assert skipped["next_occurrences"][0] == third
    problem = shop.post("schedules/daily/skip", {"occurrence": "tomorrow"}, status=400)
    assert problem["errors"][0]["pointer"] == "/occurrence"


def test_run_by_hand_it_is_sent_to_all_at_once(shop, everywhere, work):
    made = everywhere()
    shop.post("schedules/daily/run", None)
    work()
    assert len(readers()) == len(ZONES)
    [run] = runs(shop)
    assert run["occurrence"] is None
    assert shop.get("schedules/daily")["next_at"] == made["next_at"]


def test_it_expires_so_long_after_the_last_zone_has_had_it(shop, everywhere, tick):
    everywhere(expires_after_seconds=3600)
    wall = begins(-LEAD)
    tick()
    assert Notification.objects.get().expires_at == there("Etc/GMT+12", wall) + HOUR


def test_it_ends_after_its_last_run_which_nothing_supersedes(shop, everywhere, tick):
    everywhere(count=1)
    begins(HOUR, before=1)
    tick()
    found = shop.get("schedules/daily")
    assert (found["state"], found["next_occurrences"]) == ("ended", [])
    assert Notification.objects.get().local_time_passed == "send"


def test_a_schedule_of_a_zone_goes_over_to_recipients_own_and_back(shop, create):
    made = create(topic="news", notification=NEWS, starts_at_local="2030-01-01T00:00")

    def move(zone: str) -> list[str]:
        body = {"time_zone": zone}
        found = shop.http.patch("/v1/schedules/daily", body, format="json").json()
        return found["next_occurrences"]

    assert move("recipient")[0] == "2030-01-01T09:00"
    assert move("Europe/Vienna") == made["next_occurrences"]


def test_an_order_of_acceptance_does_not_go_with_local_times(everywhere):
    ordered = {**NEWS, "ordering_key": "order-7"}
    problem = everywhere(status=400, notification=ordered)
    assert problem["errors"][0]["pointer"] == "/notification/ordering_key"
