"""Fallbacks: "push, and if it was not delivered within five minutes, SMS"."""

from datetime import timedelta

import pytest
from django.utils import timezone

from apps.delivery.models import Notification
from apps.delivery.operations.explain import explain
from apps.preferences.models import Group, Membership, Preference
from notifier.domain.outcomes import Accepted, Reason, Refused, Retry
from tests.support.deliveries.workers import cut
from tests.support.fakes.scripted_provider import Scripted
from tests.support.publishers.people import recipient, subscribe

HELLO = {"title": "Hello", "body": "There"}
SMS = {"channel": "sms", "after_seconds": 300}
PUSH = {"content": HELLO, "channels": ["push"], "fallback": SMS}
TAKEN, REPORTED = Accepted("id"), Accepted("id", delivered=True)


class Push(Scripted):
    calls: list[str] = []


class Texts(Scripted):
    calls: list[str] = []


@pytest.fixture(autouse=True)
def carriers(settings):
    """Providers of push and SMS that accept everything unless a test says otherwise."""
    settings.PROVIDERS = {
        "fcm": {"class": f"{__name__}.Push", "channel": "push"},
        "twilio": {"class": f"{__name__}.Texts", "channel": "sms"},
        "inbox": settings.PROVIDERS["inbox"],
    }
    for kind in (Push, Texts):
        kind.calls, kind.answer = [], staticmethod(lambda message: TAKEN)


def people(*names):
    return [
        recipient(name, push_android=f"token-{name}", sms=f"+436601234567{number}")
        for number, name in enumerate(names)
    ]


def fail(*names):
    """Disable these people's devices."""
    gone = Refused(Reason.DEAD_ADDRESS, disable_contact=True)
    Push.answer = staticmethod(lambda message: gone if message.user_id in names else TAKEN)


def shown(shop, posted):
    return shop.get(f"notifications/{posted['id']}")


def texted(shop, posted):
    rows = shop.get(f"notifications/{posted['id']}/deliveries", channel="sms")["data"]
    return [row["user_id"] for row in rows]


def test_whom_push_did_not_reach_gets_a_text_message_and_nobody_else(shop, workers, later):
    people("ada", "bob")
    fail("ada")
    posted = shop.post("notifications", {"user_ids": ["ada", "bob"], **PUSH})
    workers()
    assert shown(shop, posted)["state"] == "sending" and shown(shop, posted)["fallback"] == SMS
    later(290)
    assert Texts.calls == [], "not before its time"
    later(20)
    assert texted(shop, posted) == ["ada"]
    assert shop.counts(posted) == {"push": {"failed": 1, "accepted": 1}, "sms": {"accepted": 1}}
    assert shown(shop, posted)["state"] == "done"


def test_what_is_still_being_tried_has_not_arrived(shop, workers, later):
    people("ada")
    Push.answer = staticmethod(lambda message: Retry(Reason.PROVIDER_ERROR, after=3600.0))
    posted = shop.post("notifications", {"user_id": "ada", **PUSH})
    workers()
    later(301)
    assert shop.counts(posted) == {"push": {"retrying": 1}, "sms": {"accepted": 1}}


@pytest.mark.parametrize("arrived", [True, False])
def test_where_the_provider_sends_receipts_it_has_to_say_so(
    shop, workers, later, settings, arrived
):
    settings.PROVIDERS["fcm"]["receipts"] = {"class": "nobody.Asks", "options": {}}
    people("ada")
    Push.answer = staticmethod(lambda message: REPORTED if arrived else TAKEN)
    posted = shop.post("notifications", {"user_id": "ada", **PUSH})
    workers()
    later(301)
    assert texted(shop, posted) == ([] if arrived else ["ada"])


@pytest.mark.parametrize("seen", [True, False])
def test_an_item_that_lies_unread_has_reached_nobody(shop, workers, later, execute, seen):
    recipient("ada", sms="+4366012345678")
    posted = shop.post(
        "notifications",
        {"user_id": "ada", "content": HELLO, "channels": ["inbox"], "fallback": SMS},
    )
    workers()
    if seen:
        execute("UPDATE inbox_inboxitem SET read_at = now()")
    later(301)
    assert texted(shop, posted) == ([] if seen else ["ada"])


def test_channels_left_out_are_all_others_that_reach_them(shop, workers, later):
    people("ada")
    posted = shop.post("notifications", {"user_id": "ada", "content": HELLO, "fallback": SMS})
    assert posted["channels"] == ["push", "inbox"]
    workers()
    later(301)
    assert texted(shop, posted) == []


def test_a_topics_fallback_goes_to_those_subscribed_on_it_whom_nothing_reached(
    shop, workers, later, settings
):
    settings.CHUNK_SIZE = 2
    topic = shop.topic()
    for person in people("ada", "bob", "cyd", "dan", "eve"):
        subscribe(topic, person, *(["push"] if person.user_id == "eve" else ["push", "sms"]))
    fail("ada", "dan", "eve")
    posted = shop.post("topics/news/publish", PUSH)
    workers()
    assert shop.counts(posted) == {"push": {"failed": 3, "accepted": 2}}
    later(301)
    assert texted(shop, posted) == ["ada", "dan"], "eve never asked for text messages"
    assert shown(shop, posted)["state"] == "done"


def test_a_groups_members_are_fallen_back_to_as_named_ones_are(shop, workers, later):
    group = Group.objects.create(publisher_id=shop.id, name="on-call")
    for person in people("ada", "bob"):
        Membership.objects.create(group=group, recipient=person)
    fail("bob")
    posted = shop.post("groups/on-call/notify", PUSH)
    workers()
    later(301)
    assert texted(shop, posted) == ["bob"]


def test_preferences_and_suppressions_hold_for_the_fallback(shop, workers, later):
    [ada] = people("ada")
    Preference.objects.create(recipient=ada, channel="sms", allowed=False)
    fail("ada")
    posted = shop.post("notifications", {"user_id": "ada", **PUSH})
    workers()
    later(301)
    assert shop.counts(posted)["sms"] == {"suppressed": 1} and Texts.calls == []


def test_a_cancel_and_an_expiry_stop_the_fallback(shop, workers, later, execute):
    people("ada")
    fail("ada")
    taken_back = shop.post("notifications", {"user_id": "ada", **PUSH})
    late = shop.post("notifications", {"user_id": "ada", **PUSH})
    workers()
    shop.post(f"notifications/{taken_back['id']}/cancel", None, status=200)
    execute("UPDATE delivery_notification SET expires_at = now() WHERE id = %s", late["id"])
    later(301)
    assert Texts.calls == []
    assert shown(shop, taken_back)["state"] == "cancelled"
    assert shop.counts(late)["sms"] == {"expired": 1}


def test_a_pause_leaves_the_other_channels_their_time(shop, workers, later):
    topic = shop.topic()
    for person in people("ada"):
        subscribe(topic, person, "push", "sms")
    posted = shop.post("topics/news/publish", PUSH)
    cut()
    shop.http.patch("/v1/topics/news", {"paused": True}, format="json")
    later(301)
    assert Push.calls == Texts.calls == []
    shop.http.patch("/v1/topics/news", {"paused": False}, format="json")
    later(1)
    assert len(Push.calls) == 1 and Texts.calls == []
    later(301)
    assert shop.counts(posted) == {"push": {"accepted": 1}}


def test_what_is_scheduled_falls_back_so_long_after_its_time(shop, workers, later):
    people("ada")
    fail("ada")
    soon = (timezone.now() + timedelta(hours=1)).isoformat()
    posted = shop.post("notifications", {"user_id": "ada", "send_at": soon, **PUSH})
    later(3601)
    assert len(Push.calls) == 1 and Texts.calls == []
    later(300)
    assert texted(shop, posted) == ["ada"]


@pytest.mark.parametrize(
    ("fields", "pointer"),
    [
        ({"fallback": {"channel": "push", "after_seconds": 300}}, "/fallback/channel"),
        ({"fallback": {"channel": "pigeon", "after_seconds": 300}}, "/fallback/channel"),
        ({"fallback": {"channel": "sms"}}, "/fallback/after_seconds"),
        ({"fallback": {"channel": "sms", "after_seconds": 0}}, "/fallback/after_seconds"),
        ({"fallback": {"channel": "sms", "after_seconds": 86_401}}, "/fallback/after_seconds"),
        ({"fallback": {**SMS, "then": "email"}}, "/fallback/then"),
        ({"fallback": "sms"}, "/fallback"),
        ({"content": {"data": {"a": "b"}}}, "/content"),
    ],
)
def test_a_fallback_that_cannot_be_is_refused_at_once(shop, fields, pointer):
    people("ada")
    refused = shop.post("notifications", {"user_id": "ada", **PUSH, **fields}, status=400)
    assert [error["pointer"] for error in refused["errors"]] == [pointer]


def test_a_fallback_after_the_expiry_is_refused(shop):
    people("ada")
    expiry = {"expires_at": (timezone.now() + timedelta(seconds=299)).isoformat()}
    refused = shop.post("notifications", {"user_id": "ada", **PUSH, **expiry}, status=400)
    [error] = refused["errors"]
    assert error["pointer"] == "/fallback/after_seconds" and "expired" in error["detail"]


def test_a_template_needs_content_for_the_fallback(shop, workers, later):
    people("ada")
    fail("ada")
    for name, channels in {"both": ["push", "sms"], "one": ["push"]}.items():
        contents = [{"channel": c, "locale": "en", "body": "Hi {{ name }}"} for c in channels]
        body = {"name": name, "default_locale": "en", "contents": contents}
        shop.post("templates", body, status=201)
    words = {"name": "Ada"}
    named = {"user_id": "ada", "channels": ["push"], "fallback": SMS}
    refused = shop.post(
        "notifications", {**named, "template": {"name": "one", "variables": words}}, status=400
    )
    assert [error["pointer"] for error in refused["errors"]] == ["/fallback/channel"]
    posted = shop.post("notifications", {**named, "template": {"name": "both", "variables": words}})
    workers()
    later(301)
    assert texted(shop, posted) == ["ada"]


def test_each_of_a_batch_has_a_fallback_of_its_own(shop, workers, later):
    people("ada", "bob")
    fail("ada", "bob")
    answer = shop.post(
        "notifications/batch",
        {
            "notifications": [
                {"user_id": "ada", **PUSH},
                {"user_id": "bob", "content": HELLO, "channels": ["push"]},
                {"user_id": "bob", **PUSH, "fallback": {"channel": "push", "after_seconds": 5}},
            ]
        },
    )
    assert [one["status"] for one in answer["results"]] == ["accepted", "accepted", "error"]
    workers()
    later(301)
    assert len(Texts.calls) == 1


def test_why_somebody_got_no_text_message_is_shown(shop, workers, later):
    ada, bob = people("ada", "bob")
    fail("ada")
    posted = shop.post("notifications", {"user_ids": ["ada", "bob"], **PUSH})
    workers()
    row = Notification.objects.get(pk=posted["id"])
    explanation = explain(ada, row)
    assert explanation.verdict == "not_yet" and "on sms" in explanation.headline
    assert "unless another channel reaches them" in explanation.channels["sms"][0].text
    later(301)
    assert explain(ada, row).verdict == "yes"
    assert "was not needed" in explain(bob, row).channels["sms"][0].text
