"""Notifications for a local time: who gets them when, and what is cut in advance."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.db import connection
from django.db.models.functions import Now
from django.test.utils import CaptureQueriesContext

from apps.delivery.fanout import chunking
from apps.delivery.models import Chunk, Delivery, Notification
from apps.delivery.operations.explain import explain
from apps.inbox.models import InboxItem
from apps.preferences.models import Group, Membership, Recipient
from apps.topics.models import Subscription
from tests.support.deliveries.quiet_hours import carriers
from tests.support.deliveries.workers import cut, lose_claims
from tests.support.publishers.people import recipient, subscribe
from tests.support.publishers.shop import HELLO

__all__ = ["carriers"]  # a fixture
#: From east to west, in summer and in winter.
ZONES = ("Pacific/Auckland", "Asia/Tokyo", "Asia/Kolkata", "Europe/Vienna", "America/New_York")
WALL = (datetime.now() + timedelta(days=60)).replace(hour=9, minute=0, second=0, microsecond=0)


@pytest.fixture
def everybody(shop):
    """A person in each zone, subscribed to a topic, by zone."""
    topic = shop.topic()
    found = {}
    for zone in ZONES:
        found[zone] = person = recipient(zone.replace("/", "-").lower())
        Recipient.objects.filter(pk=person.pk).update(time_zone=zone)
        subscribe(topic, person, "inbox")
    return found


def publish(shop, wall=WALL, **body):
    whole = {"content": HELLO, "channels": ["inbox"], "send_at_local": f"{wall:%Y-%m-%dT%H:%M}"}
    return shop.post("topics/news/publish", {**whole, **body})


def cut_now():
    """Cut what is to be cut before it is that time anywhere."""
    Chunk.objects.filter(kind="whole").update(ready_at=Now())
    cut()


def there(zone, wall=WALL):
    return wall.replace(tzinfo=ZoneInfo(zone)).astimezone(UTC)


def parts():
    """When each part of the audience is due, and how many are in it."""
    rows = Chunk.objects.exclude(kind="whole").order_by("ready_at")
    return [(row.ready_at, row.size) for row in rows]


def test_a_topic_is_cut_by_zone_before_it_is_that_time_anywhere(shop, everybody):
    posted = publish(shop)
    assert posted["state"] == "scheduled"
    first = WALL.replace(tzinfo=UTC) - timedelta(hours=14)
    assert datetime.fromisoformat(posted["send_at"]) == first
    whole = Chunk.objects.get()
    assert whole.ready_at == first - timedelta(minutes=15)
    cut_now()
    assert parts() == [(there(zone), 1) for zone in ZONES]
    assert shop.get(f"notifications/{posted['id']}")["send_at_local"] == f"{WALL.isoformat()}"


@pytest.mark.parametrize("audience", ["group", "named"])
def test_a_group_and_named_people_are_cut_alike(shop, everybody, audience):
    body = {"content": HELLO, "channels": ["inbox"], "send_at_local": f"{WALL:%Y-%m-%dT%H:%M}"}
    if audience == "group":
        group = Group.objects.create(name="friends", publisher_id=shop.id)
        for person in everybody.values():
            Membership.objects.create(group=group, recipient=person)
        shop.post("groups/friends/notify", body)
    else:
        names = [person.user_id for person in everybody.values()]
        shop.post("notifications", {**body, "user_ids": names})
    cut_now()
    assert parts() == [(there(zone), 1) for zone in ZONES]


def test_zones_in_which_it_is_the_same_time_share_chunks(shop, everybody):
    topic = Subscription.objects.select_related("topic").first().topic
    for zone in ("Europe/Berlin", "Europe/Paris"):
        person = recipient(zone.replace("/", "-"))
        Recipient.objects.filter(pk=person.pk).update(time_zone=zone)
        subscribe(topic, person, "inbox")
    publish(shop)
    cut_now()
    assert (there("Europe/Vienna"), 3) in parts()


def test_each_part_goes_out_at_its_hour_and_without_reading_the_others(
    shop, everybody, work, execute
):
    publish(shop)
    cut_now()
    due = Chunk.objects.exclude(kind="whole").filter(ready_at__lte=there("Asia/Tokyo"))
    assert due.update(ready_at=Now()) == 2
    with CaptureQueriesContext(connection) as queries:
        work()
    got = set(InboxItem.objects.values_list("recipient__user_id", flat=True))
    assert got == {"pacific-auckland", "asia-tokyo"}
    assert Chunk.objects.filter(state="queued").count() == 3
    made = [q["sql"] for q in queries if "topics_subscription" in q["sql"]]
    assert all("BETWEEN" not in sql for sql in made)


def test_who_left_meanwhile_gets_nothing(shop, everybody, work):
    publish(shop)
    cut_now()
    left = everybody["Asia/Tokyo"]
    Subscription.objects.filter(recipient=left).update(state="unsubscribed")
    Chunk.objects.exclude(kind="whole").update(ready_at=Now())
    work()
    assert Delivery.objects.count() == 4
    assert not Delivery.objects.filter(recipient_id=left.pk).exists()


def test_people_without_a_zone_have_the_default_one(shop, settings):
    settings.DEFAULT_TIME_ZONE = "America/New_York"
    subscribe(shop.topic(), recipient("ada"), "inbox")
    publish(shop)
    cut_now()
    assert parts() == [(there("America/New_York"), 1)]


def test_a_bare_endpoint_has_the_default_zone(shop, carriers, settings):
    settings.DEFAULT_TIME_ZONE = "America/New_York"
    shop.topic()
    wanted = {"channel": "email", "address": "desk@example.com"}
    shop.post("topics/news/subscriptions", wanted, status=200)
    publish(shop, channels=["email"])
    cut_now()
    assert parts() == [(there("America/New_York"), 1)]


def just_passed():
    """A local time that was an hour ago in Tokyo, and is hours ahead in Vienna."""
    now = datetime.now(ZoneInfo("Asia/Tokyo")) - timedelta(hours=1)
    return now.replace(tzinfo=None, second=0, microsecond=0)


def test_those_for_whom_it_has_passed_get_it_at_once(shop, everybody, work):
    wall = just_passed()
    posted = publish(shop, wall)
    work()
    assert shop.counts(posted) == {"inbox": {"delivered": 2}}
    assert [at for at, _ in parts() if at > datetime.now(UTC)] == [
        there(zone, wall) for zone in ZONES[2:]
    ]


def test_those_for_whom_it_has_passed_are_skipped_as_asked_and_accounted_for(shop, everybody, work):
    posted = publish(shop, just_passed(), local_time_passed="skip")
    work()
    assert shop.counts(posted) == {"inbox": {"expired": 2}}
    assert not InboxItem.objects.exists()
    rows = shop.get(f"notifications/{posted['id']}/deliveries")["data"]
    assert {row["reason"] for row in rows} == {"local_time_passed"}
    assert rows[0]["reason_text"] == "that local time had passed where they are"


def test_named_people_are_skipped_too(shop, everybody, work):
    names = [person.user_id for person in everybody.values()]
    wall = just_passed()
    body = {"user_ids": names, "content": HELLO, "channels": ["inbox"]}
    local = {"send_at_local": f"{wall:%Y-%m-%dT%H:%M}", "local_time_passed": "skip"}
    posted = shop.post("notifications", {**body, **local})
    work()
    assert shop.counts(posted) == {"inbox": {"expired": 2}}
    assert Delivery.objects.filter(reason="local_time_passed").count() == 2
    assert Chunk.objects.filter(state="queued").count() == 3


def test_a_cut_that_broke_off_goes_on_where_it_was(shop, everybody, settings, monkeypatch):
    settings.CHUNK_SIZE = 1
    monkeypatch.setattr(chunking, "PAGE", 2)
    publish(shop)
    real, pages = chunking.audience_lease.renew, []

    def dies(chunk):
        pages.append(chunk)
        if len(pages) == 2:
            raise RuntimeError("killed")
        real(chunk)

    Chunk.objects.filter(kind="whole").update(ready_at=Now())
    monkeypatch.setattr(chunking.audience_lease, "renew", dies)
    with pytest.raises(RuntimeError):
        cut()
    assert len(parts()) == 2
    Chunk.objects.filter(kind="whole").update(due_at=Now(), state="queued")
    cut()
    assert parts() == [(there(zone), 1) for zone in ZONES]
    assert Chunk.objects.get(kind="whole").state == "done"


def test_a_cut_that_two_workers_do_is_done_once(shop, everybody):
    publish(shop)
    cut_now()
    Chunk.objects.filter(kind="whole").update(state="queued", ready_at=Now())
    cut()
    lose_claims()
    assert parts() == [(there(zone), 1) for zone in ZONES]


def test_a_cancel_stops_the_parts_that_were_not_sent(shop, everybody, work):
    posted = publish(shop)
    cut_now()
    Chunk.objects.filter(ready_at__lte=there("Asia/Tokyo")).update(ready_at=Now())
    work()
    cancelled = shop.post(f"notifications/{posted['id']}/cancel", {}, status=200)
    assert cancelled["counts"] == {"inbox": {"delivered": 2}}
    Chunk.objects.update(ready_at=Now())
    work()
    assert Delivery.objects.count() == 2


def test_a_cancel_before_the_cut_stops_all(shop, everybody, work):
    posted = publish(shop)
    shop.post(f"notifications/{posted['id']}/cancel", {}, status=200)
    cut_now()
    assert parts() == []


def test_what_expires_between_two_zones_reaches_the_first_only(shop, everybody, work):
    expires = there("Asia/Tokyo") + timedelta(minutes=1)
    publish(shop, expires_at=expires.isoformat())
    cut_now()
    Notification.objects.update(expires_at=Now())
    Chunk.objects.exclude(kind="whole").update(ready_at=Now())
    work()
    assert set(Delivery.objects.values_list("state", "reason")) == {("expired", "")}


def test_a_fallback_is_due_so_long_after_each_zones_hour(shop, carriers, everybody):
    sms = {"channel": "sms", "after_seconds": 300}
    names = [person.user_id for person in everybody.values()]
    body = {"user_ids": names, "content": HELLO, "channels": ["inbox"], "fallback": sms}
    shop.post("notifications", {**body, "send_at_local": f"{WALL:%Y-%m-%dT%H:%M}"})
    cut_now()
    later = timedelta(seconds=300)
    texts = Chunk.objects.filter(channel="sms").order_by("ready_at")
    assert [row.ready_at for row in texts] == [there(zone) + later for zone in ZONES]


def test_a_topics_delay_is_added(shop):
    subscribe(shop.topic(delay=60), recipient("ada"), "inbox")
    publish(shop)
    cut_now()
    assert parts() == [(there("UTC") + timedelta(seconds=60), 1)]


def test_why_says_when_it_is_due_where_the_person_is(shop, everybody):
    posted = publish(shop)
    person = everybody["Asia/Kolkata"]
    person.refresh_from_db()
    for step in (lambda: None, cut_now):
        step()
        told = explain(person, Notification.objects.get(pk=posted["id"]))
        assert told.verdict == "not_yet"
        [sentence] = told.channels["inbox"]
        assert sentence.text == (
            f"It is due on {WALL.day} {WALL:%b %Y} 03:30:00 UTC: that is their time "
            "in Asia/Kolkata."
        )
    opening = " ".join(sentence.text for sentence in told.sentences)
    assert f"Each recipient gets it at {WALL:%Y-%m-%d} 09:00:00 in their time zone" in opening


@pytest.mark.parametrize(
    "body, pointer",
    [
        ({"send_at": "2099-01-01T00:00:00Z"}, "/send_at_local"),
        ({"send_at_local": "2026-12-01T09:00Z"}, "/send_at_local"),
        ({"send_at_local": "2026-12-01T09:00+01:00"}, "/send_at_local"),
        ({"send_at_local": "2026-12-01"}, "/send_at_local"),
        ({"send_at_local": "2026-02-30T09:00"}, "/send_at_local"),
        ({"send_at_local": "0001-01-01T00:00"}, "/send_at_local"),
        ({"send_at_local": "9999-12-31T23:59"}, "/send_at_local"),
        ({"send_at_local": "2020-01-01T00:00", "local_time_passed": "skip"}, "/send_at_local"),
        ({"ordering_key": "order-7"}, "/send_at_local"),
        ({"local_time_passed": "drop"}, "/local_time_passed"),
        ({"expires_at": f"{WALL - timedelta(days=1):%Y-%m-%d}T00:00:00Z"}, "/expires_at"),
    ],
)
def test_what_cannot_be_is_refused(shop, body, pointer):
    shop.topic()
    whole = {"content": HELLO, "send_at_local": f"{WALL:%Y-%m-%dT%H:%M}", **body}
    problem = shop.post("topics/news/publish", whole, status=400)
    assert problem["errors"][0]["pointer"] == pointer


def test_passed_is_said_of_a_local_time_only(shop):
    shop.topic()
    body = {"content": HELLO, "local_time_passed": "skip"}
    problem = shop.post("topics/news/publish", body, status=400)
    assert problem["errors"][0]["pointer"] == "/local_time_passed"


def test_a_time_that_is_past_everywhere_is_sent_to_all_at_once(shop, everybody, work):
    posted = publish(shop, datetime(2026, 1, 1, 9, 0))
    work()
    assert shop.counts(posted) == {"inbox": {"delivered": 5}}
