"""When steps are due: after quiet hours, pauses, local times, and with a large audience."""

from datetime import UTC, datetime, timedelta

import pytest
from django.utils import timezone

from apps.delivery.models import Chunk, Delivery
from apps.preferences.models import Group, Membership, Recipient
from apps.preferences.quiet_hours.services import replace
from notifier.domain.outcomes import Reason, Retry
from notifier.domain.times.quiet_hours import parse
from tests.integration.delivery.steps.conftest import Mails, Push, Texts
from tests.support.deliveries.quiet_hours import around_now, be_quiet, end_of
from tests.support.deliveries.workers import cut
from tests.support.publishers.people import subscribe

HELLO = {"title": "Hello", "body": "There"}
TEXT = {"channel": "sms", "after_seconds": 300, "unless": "read"}
PUSH_THEN_TEXT = {"content": HELLO, "channels": ["push", "inbox"], "fallback": TEXT}


def mail_then_text():
    mail = {"channel": "email", "after_seconds": 100, "unless": "read", "then": TEXT}
    return {"content": HELLO, "channels": ["inbox"], "fallback": mail}


def test_in_quiet_hours_a_step_keeps_its_distance_to_the_end_of_them(shop, people, workers, later):
    people("ada")
    hours = around_now()
    be_quiet("ada", hours)
    shop.post("notifications", {"user_id": "ada", **PUSH_THEN_TEXT})
    workers()
    later(301)
    row = Delivery.objects.get(channel="sms")
    assert (row.state, row.reason) == ("retrying", "quiet_hours")
    least = end_of(hours) + timedelta(seconds=300)
    assert least <= row.next_attempt_at <= least + timedelta(seconds=660)


@pytest.mark.parametrize("reads", [True, False])
def test_what_waits_for_the_end_of_quiet_hours_is_judged_again(
    shop, people, workers, later, app, reads
):
    people("ada")
    be_quiet("ada", around_now())
    posted = shop.post("notifications", {"user_id": "ada", **PUSH_THEN_TEXT})
    workers()
    later(301)
    be_quiet("ada", None)
    if reads:
        app("ada").mark("read")
        workers()
        assert shop.counts(posted)["sms"] == {"suppressed": 1}, "at once"
    later(90_000)
    assert shop.counts(posted)["sms"] == ({"suppressed": 1} if reads else {"accepted": 1})
    assert len(Texts.calls) == (0 if reads else 1)


def test_whoever_ends_their_quiet_hours_gets_the_first_channels_first(shop, people, workers, later):
    [ada] = people("ada")
    be_quiet("ada", around_now())
    shop.post("notifications", {"user_id": "ada", **PUSH_THEN_TEXT})
    workers()
    later(301)
    replace(ada.pk, parse({"windows": []}, ["push", "sms"]))
    workers()
    assert len(Push.calls) == 1 and Texts.calls == []
    later(301)
    assert len(Texts.calls) == 1


def test_a_pause_leaves_each_step_its_time(shop, people, workers, later):
    topic = shop.topic()
    for person in people("ada"):
        subscribe(topic, person, "inbox", "email", "sms")
    shop.post("topics/news/publish", mail_then_text())
    cut()
    shop.http.patch("/v1/topics/news", {"paused": True}, format="json")
    later(401)
    assert Mails.calls == Texts.calls == []
    shop.http.patch("/v1/topics/news", {"paused": False}, format="json")
    later(1)
    assert Mails.calls == Texts.calls == []
    later(100)
    assert len(Mails.calls) == 1 and Texts.calls == []
    later(300)
    assert len(Texts.calls) == 1


def test_a_topics_steps_go_to_those_subscribed_on_their_channels(
    shop, people, workers, later, app, settings
):
    settings.CHUNK_SIZE = 2
    topic = shop.topic()
    everybody = people("ada", "bob", "cyd", "dan", "eve")
    for person in everybody:
        subscribe(topic, person, "inbox", *(["email"] if person.user_id != "eve" else []))
    posted = shop.post("topics/news/publish", mail_then_text())
    workers()
    for name in ("bob", "dan"):
        app(name).mark("read")
    later(101)
    rows = shop.get(f"notifications/{posted['id']}/deliveries", channel="email")["data"]
    assert sorted(row["user_id"] for row in rows) == ["ada", "cyd"]
    later(301)
    assert Texts.calls == [], "nobody subscribed to text messages"
    assert shop.get(f"notifications/{posted['id']}")["state"] == "done"


def test_at_a_local_time_steps_follow_in_each_zone(shop, people, workers, later):
    people("ada", "bob")
    Recipient.objects.filter(user_id="bob").update(time_zone="Pacific/Kiritimati")
    wall = (datetime.now(UTC) + timedelta(hours=16)).strftime("%Y-%m-%dT%H:%M")
    group = Group.objects.create(publisher_id=shop.id, name="on-call")
    Membership.objects.create(group=group, recipient=Recipient.objects.get(user_id="ada"))
    plan = mail_then_text()
    plan["fallback"]["then"] = {**TEXT, "group": "on-call", "unless": "acknowledged"}
    posted = shop.post("notifications", {"user_ids": ["ada", "bob"], "send_at_local": wall, **plan})
    later(2 * 3600 - 800)  # it is cut a quarter of an hour before it comes anywhere
    dues = Chunk.objects.filter(notification_id=posted["id"], step=1).values_list("ready_at")
    first, second = sorted(due for (due,) in dues)
    assert second - first == timedelta(hours=14)
    assert Chunk.objects.filter(notification_id=posted["id"], step=2, kind="members").count() == 1
    later(2 * 3600 + 200)
    assert len(Mails.calls) == 1


def test_who_is_skipped_because_the_local_time_has_passed_is_told_so_at_each_step(
    shop, people, workers, later
):
    people("ada")
    wall = (datetime.now(UTC) - timedelta(hours=1)).strftime("%Y-%m-%dT%H:%M")
    skipped = {"send_at_local": wall, "local_time_passed": "skip"}
    posted = shop.post("notifications", {"user_id": "ada", **skipped, **mail_then_text()})
    later(0)
    later(401)
    rows = shop.get(f"notifications/{posted['id']}/deliveries")["data"]
    assert {(row["step"], row["state"], row["reason"]) for row in rows} == {
        (number, "expired", "local_time_passed") for number in (0, 1, 2)
    }


def test_an_expiry_between_the_steps_ends_them(shop, people, workers, later, execute):
    people("ada")
    posted = shop.post("notifications", {"user_id": "ada", **mail_then_text()})
    workers()
    later(101)
    execute("UPDATE delivery_notification SET expires_at = now() WHERE id = %s", posted["id"])
    later(301)
    assert len(Mails.calls) == 1 and Texts.calls == []
    assert shop.counts(posted)["sms"] == {"expired": 1}


def test_what_is_scheduled_has_its_steps_after_its_time(shop, people, workers, later):
    people("ada")
    soon = (timezone.now() + timedelta(hours=1)).isoformat()
    shop.post("notifications", {"user_id": "ada", "send_at": soon, **mail_then_text()})
    later(3601)
    assert Mails.calls == []
    later(100)
    assert len(Mails.calls) == 1


def test_steps_do_not_wait_for_what_is_before_them_under_an_ordering_key(
    shop, people, workers, later
):
    people("ada")
    Mails.answer = staticmethod(lambda message: Retry(Reason.PROVIDER_ERROR, after=3600.0))
    for _ in range(2):
        shop.post(
            "notifications", {"user_id": "ada", "ordering_key": "order-7", **mail_then_text()}
        )
    workers()
    later(101)
    later(301)
    assert len(Mails.calls) == 2 and len(Texts.calls) == 2
    assert not Chunk.objects.exclude(state="done").exists()


def test_the_first_channels_are_not_tried_again_once_it_was_read(shop, people, workers, later, app):
    people("ada")
    Push.answer = staticmethod(lambda message: Retry(Reason.PROVIDER_ERROR, after=3600.0))
    posted = shop.post("notifications", {"user_id": "ada", **PUSH_THEN_TEXT})
    workers()
    app("ada").mark("read")
    workers()
    assert shop.counts(posted)["push"] == {"suppressed": 1}
    assert shop.get(f"notifications/{posted['id']}")["state"] == "done"
