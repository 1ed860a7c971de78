"""Statistics of deliveries over time, for publishers and operators."""

import threading
from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection
from django.utils import timezone

from apps.delivery.maintenance import retention
from apps.delivery.models import HourCount, MinuteCount, Notification, NotificationKind
from apps.delivery.monitoring import attempts, statistics
from apps.delivery.state import counts
from apps.preferences.models import Preference
from notifier.domain.outcomes import Accepted, Refused, Retry
from tests.support.fakes.scripted_provider import Scripted
from tests.support.publishers.people import recipient, subscribe

HELLO = {"title": "Hello", "body": "There"}
NONE = {"waiting": 0, "sent": 0, "failed": 0, "suppressed": 0}


@pytest.fixture
def scripted(settings, monkeypatch):
    """SMS goes to a provider that answers by the number."""
    provider = f"{Scripted.__module__}.{Scripted.__qualname__}"
    settings.PROVIDERS = {
        **settings.PROVIDERS,
        "twilio": {"class": provider, "channel": "sms", "options": {}},
    }
    answers = {
        "+4366412340001": Accepted(),
        "+4366412340002": Refused("bad_address"),
        "+4366412340003": Retry("provider_error"),
    }
    monkeypatch.setattr(Scripted, "answer", staticmethod(lambda m: answers[m.address]))


def audience(topic):
    """One to be sent to, one whose number is wrong, one whose provider fails, one who refused."""
    for number in range(1, 5):
        person = recipient(f"u{number}", sms=f"+436641234000{number}")
        subscribe(topic, person, "sms")
    Preference.objects.create(recipient=person, channel="sms", allowed=False)


def this_hour():
    return timezone.now().replace(minute=0, second=0, microsecond=0)


def at(moment):
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def test_a_topics_owner_sees_what_waits_and_what_each_hour_brought(shop, work, scripted):
    topic = shop.topic()
    audience(topic)
    shop.post("topics/news/publish", {"content": HELLO})
    work()
    found = shop.get("topics/news/statistics")
    assert found["topic"] == "news"
    assert found["now"] == {"waiting": 1, "sent": 1, "failed": 1, "suppressed": 1}
    [hour] = found["hours"]
    assert hour == {"hour": at(this_hour()), "sent": 1, "failed": 1, "suppressed": 1}


def test_what_waited_and_was_sent_no_longer_waits(shop, work, wake, scripted, monkeypatch):
    topic = shop.topic()
    audience(topic)
    shop.post("topics/news/publish", {"content": HELLO})
    work()
    monkeypatch.setattr(Scripted, "answer", staticmethod(lambda m: Accepted()))
    wake()
    work()
    now = shop.get("topics/news/statistics")["now"]
    assert now == {"waiting": 0, "sent": 2, "failed": 1, "suppressed": 1}


def test_only_its_owner_sees_a_topics_statistics(shop, other_shop):
    topic = shop.topic()
    assert shop.get("topics/news/statistics") == {"topic": "news", "now": NONE, "hours": []}
    other_shop.get("topics/news/statistics", status=404)
    topic.granted_to.add(other_shop.id)
    topic.save()  # forgets what was looked up
    assert other_shop.get("topics/news/statistics", status=403)["type"] == "/problems/forbidden"


def test_the_owner_sees_what_others_published(shop, other_shop, work):
    topic = shop.topic()
    topic.granted_to.add(other_shop.id)
    topic.save()
    subscribe(topic, recipient("ada"), "inbox")
    other_shop.post("topics/news/publish", {"content": HELLO})
    work()
    assert shop.get("topics/news/statistics")["now"] == {**NONE, "sent": 1}
    assert shop.get("usage")["deliveries"] == [], "usage is the one's who published"
    [day] = other_shop.get("usage")["deliveries"]
    assert day["states"] == {"delivered": 1}


def test_hours_are_chosen_by_from_and_to(shop):
    topic = shop.topic()
    hour = this_hour()
    for ago in range(5):
        tally(shop, topic, hour - timedelta(hours=ago), "delivered", ago + 1)
    found = shop.get(
        "topics/news/statistics",
        **{"from": at(hour - timedelta(hours=3, minutes=-20)), "to": at(hour)},
    )
    assert [row["sent"] for row in found["hours"]] == [4, 3, 2]
    assert found["now"]["sent"] == 15


def test_a_wrong_span_is_refused(shop):
    shop.topic()
    for query in (
        {"from": "yesterday"},
        {"from": "2026-01-02T00:00:00Z", "to": "2026-01-01T00:00:00Z"},
        {"from": "2026-01-01T00:00:00Z", "to": "2026-02-02T00:00:00Z"},
        {"to": "0001-01-01T00:00:00Z"},
        {"from": "0001-01-01T00:00:00+14:00"},
        {"since": "2026-01-01T00:00:00Z"},
    ):
        problem = shop.get("topics/news/statistics", status=400, **query)
        assert problem["type"] == "/problems/invalid-request"


def test_usage_has_limits_and_what_was_used_of_them(shop, work, scripted):
    audience(shop.topic())
    for _ in range(2):
        shop.post("topics/news/publish", {"content": HELLO})
    work()
    found = shop.get("usage")
    today = datetime.now(UTC).date()
    midnight = datetime(today.year, today.month, today.day, tzinfo=UTC) + timedelta(days=1)
    assert found == {
        "requests": {"per_second": 500, "burst": 1000},
        "quota": {
            "per_day": 10_000_000,
            "used": 2,
            "resets_at": at(midnight),
            "high": {"per_day": 10_000_000, "used": 0, "per_second": 1_000, "burst": 2_000},
        },
        "notifications": [{"day": str(today), "accepted": 2}],
        "deliveries": [
            {"day": str(today), "states": {"accepted": 2, "failed": 2, "suppressed": 2}}
        ],
        "retention": {"content_days": 7, "record_days": 30, "categories": []},
    }


def test_what_asks_for_confirmation_is_no_usage(shop, work):
    recipient("ada")
    body = {"user_id": "ada", "channels": ["inbox"], "content": HELLO}
    shop.post("notifications", body)
    Notification.objects.update(kind=NotificationKind.CONFIRMATION)
    work()
    assert shop.get("usage")["deliveries"] == []


def test_attempts_are_counted_by_minute_channel_and_reason(shop, work, wake, scripted):
    audience(shop.topic())
    minute = timedelta(minutes=1)
    since = timezone.now().replace(second=0, microsecond=0)
    shop.post("topics/news/publish", {"content": HELLO})
    work()
    wake()
    work()
    span = (since, timezone.now() + minute, minute)
    steps = attempts.steps(*span)
    assert {step.channel for step in steps} == {"sms"}
    assert sum(step.accepted for step in steps) == 1
    assert sum(step.failed for step in steps) == 3, "a retry is an attempt of its own"
    assert attempts.errors(*span, 5) == [
        attempts.Error("sms", "twilio", "provider_error", 2),
        attempts.Error("sms", "twilio", "bad_address", 1),
    ]
    assert attempts.errors(*span, 1) == [attempts.Error("sms", "twilio", "provider_error", 2)]
    assert attempts.steps(timezone.now() + minute, timezone.now() + 2 * minute, minute) == []


# -- Folding ----------------------------------------------------------------------------------


def tally(shop, topic, hour, state, count, slot=0):
    HourCount.objects.create(
        publisher_id=shop.id,
        topic_id=topic.pk,
        hour=hour,
        channel="sms",
        state=state,
        slot=slot,
        count=count,
    )


def test_folding_keeps_the_numbers_and_leaves_few_rows(shop, settings):
    settings.STATISTICS_DAYS = 60
    topic = shop.topic()
    today = this_hour().replace(hour=0)
    for days in (0, 10, 40, 45, 70, 80):
        for hour in range(3):
            for slot in range(4):
                moment = today - timedelta(days=days) + timedelta(hours=hour)
                if days == 0:
                    moment = this_hour()
                    slot = slot + 4 * hour if hour < 2 else slot
                    if hour == 2:
                        continue
                tally(shop, topic, moment, "delivered", 2, slot)
                tally(shop, topic, moment, "sending", 1 if days > 60 else -1, slot)
    before = statistics.now_of_topic(topic.pk)
    retention.purge()
    retention.purge()
    assert statistics.now_of_topic(topic.pk) == before
    rows = HourCount.objects.filter(state="delivered")
    assert rows.filter(hour=this_hour()).count() == 8, "this hour is still written to"
    ten = today - timedelta(days=10)
    assert rows.filter(hour__gte=ten, hour__lt=ten + timedelta(days=1)).count() == 3
    folded = rows.filter(hour__lt=today - timedelta(days=31)).order_by("hour")
    assert list(folded.values_list("hour", "count")) == [
        (datetime(1970, 1, 1, tzinfo=UTC), 48),
        (today - timedelta(days=45), 24),
        (today - timedelta(days=40), 24),
    ]


def test_what_was_waiting_when_it_was_folded_is_not_waiting_when_it_is_sent(shop):
    topic = shop.topic()
    tally(shop, topic, this_hour() - timedelta(days=500), "retrying", 1)
    retention.purge()
    assert statistics.now_of_topic(topic.pk)["waiting"] == 1
    posted = shop.post("topics/news/publish", {"content": HELLO})
    counts.add({(posted["id"], "sms", "retrying"): -1, (posted["id"], "sms", "delivered"): 1})
    assert statistics.now_of_topic(topic.pk) == {**NONE, "sent": 1}


def test_minutes_older_than_two_days_are_dropped(transactional_db):
    now = timezone.now().replace(second=0, microsecond=0)
    for hours in (49, 47):
        MinuteCount.objects.create(
            minute=now - timedelta(hours=hours),
            channel="sms",
            provider="twilio",
            outcome="accepted",
            reason="",
            slot=0,
            count=hours,
        )
    retention.purge()
    assert [row.count for row in MinuteCount.objects.all()] == [47]


def test_chunks_that_finish_together_do_not_lock_each_other_out(shop, monkeypatch):
    """All in one slot, each with every key, in another order each."""
    monkeypatch.setattr(counts.random, "randrange", lambda slots: 0)
    recipient("ada")
    body = {"user_id": "ada", "channels": ["inbox"], "content": HELLO}
    ids = [Notification(pk=shop.post("notifications", body)["id"]).pk for _ in range(3)]
    failed = []

    def add(turn):
        try:
            for number in range(20):
                keys = [(key, channel, "sending") for key in ids for channel in ("sms", "email")]
                keys = keys[turn + number % 5 :] + keys[: turn + number % 5]
                counts.add(Counter(keys))
                outcomes = [("sms", "twilio", f"o{key}", "", 3) for key in range(turn, 9)]
                counts.add_attempts(Counter(outcomes))
        except Exception as error:
            failed.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=add, args=[turn]) for turn in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []
    found = HourCount.objects.filter(state="sending").values_list("channel", "count")
    assert sorted(found) == [("email", 240), ("sms", 240)]
