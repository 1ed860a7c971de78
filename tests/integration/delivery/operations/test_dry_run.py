"""Dry runs: what would become of a notification, by the claim's own judgement."""

from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import orjson
import pytest
from django.utils import timezone

from apps.delivery.models import Chunk, Delivery, FrequencyCount, Notification
from apps.delivery.operations import dry_run
from apps.preferences.models import Contact, Preference, Recipient
from apps.publishers.scopes import Scope
from notifier.domain.frequency import Cap, Per, Setter
from tests.support.deliveries.quiet_hours import around_now, be_quiet, carriers
from tests.support.publishers.people import contact, recipient, subscribe
from tests.support.publishers.shop import HELLO, Shop, make_shop

__all__ = ["carriers"]  # a fixture
pytestmark = pytest.mark.usefixtures("fresh_counters")
BODY = {"content": HELLO, "channels": ["inbox"]}


@pytest.fixture
def audience(shop: Shop):
    """Four who get it, one of them at two addresses, and one each who does not for a reason."""
    topic = shop.topic()
    for name in ("ada", "bob", "eve", "dan"):
        subscribe(topic, recipient(name), "inbox")
    contact("inbox", "ada-2", recipient=Recipient.objects.get(user_id="ada"))
    refuses = recipient("refuses")
    Preference.objects.create(recipient=refuses, channel="inbox", allowed=False)
    gone = recipient("gone")
    Contact.objects.filter(recipient=gone).update(state="disabled")
    for person in (refuses, gone):
        subscribe(topic, person, "inbox")
    return topic


def dry(shop: Shop, path: str = "topics/news/publish", status: int = 200, **fields: Any) -> Any:
    return shop.post(f"{path}/dry-run", {**BODY, **fields}, status=status)


def inbox(answer: Any) -> dict[str, Any]:
    found: dict[str, Any] = answer["channels"]["inbox"]
    return found


def really(shop: Shop, work: Any, path: str = "topics/news/publish", **fields: Any) -> Any:
    """Post it, and return its counts by state and reason, as a dry run counts."""
    posted = shop.post(path, {**BODY, **fields})
    work()
    sent, not_sent = 0, {}
    for row in Delivery.objects.filter(notification_id=posted["id"]):
        if row.state == "delivered":
            sent += 1
        else:
            key = row.reason or row.state
            not_sent[key] = not_sent.get(key, 0) + 1
    return sent, not_sent


def test_it_says_how_many_would_get_it_and_why_the_others_would_not(shop, audience):
    answer = dry(shop)
    assert answer["exact"] is True
    assert (answer["priority"], answer["category"], answer["fallback"]) == ("normal", "default", {})
    assert inbox(answer) == {
        "audience": 6,
        "judged": 6,
        "people": 4,
        "now": 5,
        "later": {},
        "not_sent": {"preference": 1, "no_address": 1},
    }


def test_nothing_is_accepted_counted_or_sent(shop, audience, settings, work):
    settings.FREQUENCY_CAPS = {"inbox": (Cap(Setter.COMPANY, "", 1, Per.DAY),)}
    for _ in range(3):
        assert inbox(dry(shop))["now"] == 5
    assert not Notification.objects.exists() and not Chunk.objects.exists()
    assert not Delivery.objects.exists() and not FrequencyCount.objects.exists()
    sent, _ = really(shop, work)
    assert sent == 5, "no place under a cap was taken"


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"category": "offers"},
        {"category": "security"},
        {"channels": ["inbox", "email"]},
    ],
)
def test_it_says_what_a_publication_then_does(shop, audience, work, fields):
    off = {"kind": "promotional", "defaults": {"inbox": False}}
    for name, body in (("offers", off), ("security", {"kind": "critical"})):
        shop.http.put(f"/v1/categories/{name}", body, format="json")
    fields = {**fields, "channels": ["inbox"]}
    said = inbox(dry(shop, **fields))
    assert (said["now"], said["not_sent"]) == really(shop, work, **fields)


def test_it_says_whom_a_cap_would_keep_it_from(shop, audience, settings, work):
    settings.FREQUENCY_CAPS = {"inbox": (Cap(Setter.COMPANY, "", 1, Per.DAY),)}
    shop.post("notifications", {**BODY, "user_ids": ["ada", "bob"]})
    work()
    said = inbox(dry(shop))
    assert said["people"] == 2
    assert said["not_sent"] == {"preference": 1, "no_address": 1, "frequency_cap": 3}
    assert (said["now"], said["not_sent"]) == really(shop, work)
    assert inbox(dry(shop, priority="high"))["now"] == 5


def test_people_by_name_and_groups_are_judged_likewise(shop, audience, work):
    names = ["ada", "bob", "refuses", "gone"]
    said = inbox(dry(shop, "notifications", user_ids=names))
    assert (said["audience"], said["people"], said["now"]) == (4, 2, 3)
    assert said["not_sent"] == {"preference": 1, "no_address": 1}
    shop.http.put("/v1/groups/staff", {}, format="json")
    members = {"user_ids": names}
    assert shop.http.post("/v1/groups/staff/members", members, format="json").status_code < 300
    group = inbox(dry(shop, "groups/staff/notify"))
    assert (group["now"], group["not_sent"]) == (said["now"], said["not_sent"])
    assert (group["now"], group["not_sent"]) == really(shop, work, "groups/staff/notify")


def test_it_says_what_would_wait_and_for_what(shop, audience):
    soon = (timezone.now() + timedelta(hours=1)).isoformat()
    assert inbox(dry(shop, send_at=soon))["later"] == {"scheduled": 5}
    shop.http.patch("/v1/topics/news", {"paused": True}, format="json")
    assert inbox(dry(shop))["later"] == {"topic_paused": 5}
    assert inbox(dry(shop))["now"] == 0


@pytest.mark.parametrize("of_company", [False, True])
def test_it_says_who_has_quiet_hours_and_asks_no_cap_of_them(
    shop, carriers, settings, work, of_company
):
    topic = shop.topic()
    for name in ("ada", "bob", "eve"):
        person = recipient(name, push_android=f"token-{name}")
        subscribe(topic, person, "push")
    be_quiet("ada", around_now())
    be_quiet("eve", {"windows": []})
    if of_company:
        settings.QUIET_HOURS = orjson.dumps(around_now()).decode()
    settings.FREQUENCY_CAPS = {"push": (Cap(Setter.COMPANY, "", 0, Per.DAY),)}
    quiet = 2 if of_company else 1
    news = {"channels": ["push"]}
    said = dry(shop, **news)["channels"]["push"]
    assert (said["people"], said["now"], said["later"]) == (quiet, 0, {"quiet_hours": quiet})
    assert said["not_sent"] == {"frequency_cap": 3 - quiet}
    _, waits = really(shop, work, **news)
    assert waits == {"quiet_hours": quiet, "frequency_cap": 3 - quiet}
    high = dry(shop, **news, priority="high")["channels"]["push"]
    assert (high["now"], high["later"]) == (3, {})
    soon = (timezone.now() + timedelta(minutes=30)).isoformat()
    brief = dry(shop, **news, expires_at=soon)["channels"]["push"]
    assert brief["later"] == {} and brief["not_sent"]["expired"] == quiet


@pytest.mark.parametrize("named", [False, True])
def test_it_says_for_whom_a_local_time_is_still_to_come(shop, named):
    topic = shop.topic()
    for name, zone in (("east", "Pacific/Auckland"), ("west", "Pacific/Honolulu")):
        person = recipient(name)
        Recipient.objects.filter(pk=person.pk).update(time_zone=zone)
        subscribe(topic, person, "inbox")
    path = "notifications" if named else "topics/news/publish"
    names = {"user_ids": ["east", "west"]} if named else {}
    now_there = datetime.now(ZoneInfo("Pacific/Auckland"))
    wall = (now_there - timedelta(hours=2)).strftime("%Y-%m-%dT%H:%M")
    said = inbox(dry(shop, path, send_at_local=wall, **names))
    assert (said["now"], said["later"], said["people"]) == (1, {"scheduled": 1}, 2)
    skips = inbox(dry(shop, path, send_at_local=wall, local_time_passed="skip", **names))
    assert (skips["now"], skips["later"], skips["people"]) == (0, {"scheduled": 1}, 1)
    assert skips["not_sent"] == {"local_time_passed": 1}
    soon = (timezone.now() + timedelta(hours=1)).isoformat()
    brief = inbox(dry(shop, path, send_at_local=wall, expires_at=soon, **names))
    assert (brief["now"], brief["later"], brief["not_sent"]) == (1, {}, {"expired": 1})


def test_a_fallback_is_said_apart(shop, audience):
    later = {"channel": "email", "after_seconds": 60}
    answer = dry(shop, "notifications", user_ids=["ada", "bob"], fallback=later)
    assert set(answer["channels"]) == {"inbox"}
    assert answer["fallback"]["email"]["not_sent"] == {"no_address": 2}


def test_it_validates_as_publishing_does(shop, audience):
    assert dry(shop, status=400, chanels=["inbox"])["type"] == "/problems/unknown-field"
    assert dry(shop, status=400, category="ordres")["type"] == "/problems/unknown-category"
    unknown = dry(shop, "notifications", status=400, user_ids=["nobody"])
    assert unknown["type"] == "/problems/unknown-recipient"
    dry(shop, "topics/none/publish", status=404)
    reader = make_shop("reader", [Scope.NOTIFICATIONS_WRITE, Scope.TOPICS_WRITE])
    reader.topic("theirs")
    dry(reader, "topics/theirs/publish", status=403, priority="high")


def test_a_large_audience_is_judged_in_chunks(shop, settings):
    settings.CHUNK_SIZE = 10
    topic = shop.topic("large")
    for number in range(200):
        person = recipient(f"p{number}")
        subscribe(topic, person, "inbox")
        if number % 2:
            Preference.objects.create(recipient=person, channel="inbox", allowed=False)
    exact = inbox(dry(shop, "topics/large/publish"))
    assert (exact["audience"], exact["judged"], exact["now"]) == (200, 200, 100)


def test_an_estimate_says_that_it_is_one(shop, settings, monkeypatch):
    settings.CHUNK_SIZE = 10
    topic = shop.topic("large")
    for number in range(100):
        person = recipient(f"p{number}")
        subscribe(topic, person, "inbox")
        if number % 2:
            Preference.objects.create(recipient=person, channel="inbox", allowed=False)
    whole = dry_run.forecast
    monkeypatch.setattr(dry_run, "forecast", lambda *args: whole(*args, longest=0.0))
    answer = dry(shop, "topics/large/publish")
    said = inbox(answer)
    assert answer["exact"] is False
    assert (said["audience"], said["judged"]) == (100, 10)
    assert (said["now"], said["people"], said["not_sent"]) == (50, 50, {"preference": 50})
