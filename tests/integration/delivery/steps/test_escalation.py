"""Escalation: "and if nobody acknowledges it, to those on call, until one of them does"."""

import pytest

from apps.delivery.models import Answer, Delivery
from apps.preferences.models import Group, Membership, Preference
from notifier.domain.outcomes import Reason, Refused, Retry, Unknown
from tests.integration.delivery.steps.conftest import Mails, Push, Texts
from tests.support.deliveries.quiet_hours import around_now, be_quiet
from tests.support.publishers.people import subscribe

HELLO = {"title": "The pump has stopped", "body": "Hall 3"}
TO_GROUP = {
    "channel": "sms",
    "after_seconds": 300,
    "unless": "acknowledged",
    "group": "on-call",
}
ALARM = {"content": HELLO, "channels": ["push"], "fallback": TO_GROUP}


@pytest.fixture
def on_call(shop, people):
    """Ada, who gets it first, and the group: bob and cyd."""
    ada, *others = people("ada", "bob", "cyd")
    group = Group.objects.create(publisher_id=shop.id, name="on-call")
    for person in others:
        Membership.objects.create(group=group, recipient=person)
    return ada


def texted(shop, posted):
    rows = shop.get(f"notifications/{posted['id']}/deliveries", channel="sms")["data"]
    return sorted(row["user_id"] for row in rows if row["state"] == "accepted")


def test_whoever_acknowledges_first_keeps_it_from_the_group(shop, on_call, workers, later, app):
    posted = shop.post("notifications", {"user_id": "ada", **ALARM})
    workers()
    assert app("ada").acknowledge(posted)["acknowledged_at"] is not None
    workers()
    assert shop.get(f"notifications/{posted['id']}")["state"] == "done", "at once"
    later(301)
    assert Texts.calls == [] and shop.counts(posted) == {"push": {"accepted": 1}}


def test_what_nobody_acknowledged_goes_to_all_of_the_group(shop, on_call, workers, later, app):
    posted = shop.post("notifications", {"user_id": "ada", **ALARM})
    workers()
    app("ada").mark("read")
    later(301)
    assert texted(shop, posted) == ["bob", "cyd"]
    assert shop.get(f"notifications/{posted['id']}")["fallback"] == TO_GROUP


def test_the_members_are_those_of_the_time_of_the_step(shop, on_call, people, workers, later):
    posted = shop.post("notifications", {"user_id": "ada", **ALARM})
    workers()
    Membership.objects.filter(recipient__user_id="bob").delete()
    later(301)
    assert texted(shop, posted) == ["cyd"]


def test_one_acknowledgement_ends_the_steps_of_all(shop, on_call, workers, later, app):
    mail = {"channel": "email", "after_seconds": 60, "group": "on-call"}
    alarm = {**ALARM, "fallback": {**TO_GROUP, "then": mail}}
    posted = shop.post("notifications", {"user_id": "ada", **alarm})
    workers()
    later(301)
    assert len(Texts.calls) == 2
    app("cyd").acknowledge(posted)
    later(61)
    assert Mails.calls == []
    assert shop.get(f"notifications/{posted['id']}")["state"] == "done"


def test_what_waits_for_another_attempt_is_not_sent_once_another_has_acknowledged(
    shop, on_call, workers, later, app
):
    busy = Retry(Reason.PROVIDER_ERROR, after=3600.0)
    Texts.answer = staticmethod(
        lambda message: busy if message.user_id == "bob" else Push.answer(message)
    )
    posted = shop.post("notifications", {"user_id": "ada", **ALARM})
    workers()
    later(301)
    assert shop.counts(posted)["sms"] == {"retrying": 1, "accepted": 1}
    app("cyd").acknowledge(posted)
    workers()
    [row] = [
        row
        for row in shop.get(f"notifications/{posted['id']}/deliveries")["data"]
        if row["state"] == "suppressed"
    ]
    assert row["user_id"] == "bob" and row["reason"] == "acknowledged_by_another"
    assert row["reason_text"] == "somebody else has acknowledged it"
    assert shop.get(f"notifications/{posted['id']}")["state"] == "done"


def test_acknowledging_in_the_inbox_counts_as_well(shop, on_call, workers, later, app):
    posted = shop.post("notifications", {"user_id": "ada", **ALARM, "channels": ["inbox"]})
    workers()
    app("ada").mark("acknowledged")
    later(301)
    assert Texts.calls == []
    assert Answer.objects.get(notification_id=posted["id"]).source == "inbox"


def test_acknowledging_through_the_api_acknowledges_the_inbox_item(shop, on_call, workers, app):
    posted = shop.post("notifications", {"user_id": "ada", **ALARM, "channels": ["inbox"]})
    workers()
    first = app("ada").acknowledge(posted)
    [item] = app("ada").http.get("/v1/inbox").json()["data"]
    assert item["status"] == "acknowledged"
    assert app("ada").acknowledge(posted) == first, "twice changes nothing"


def test_nobody_acknowledges_what_was_not_sent_to_them(shop, on_call, workers, app):
    posted = shop.post("notifications", {"user_id": "ada", **ALARM})
    workers()
    for name in ("bob", "stranger"):
        problem = app(name).acknowledge(posted, status=404)
        assert "was sent to you" in problem["detail"]
    missing = {"id": "01a3b6f4-8f0e-7c3a-9d2e-0123456789ab"}
    app("ada").acknowledge(missing, status=404)


def test_a_notification_without_steps_can_be_acknowledged_too(shop, people, workers, app):
    people("ada")
    posted = shop.post("notifications", {"user_id": "ada", "content": HELLO, "channels": ["push"]})
    workers()
    assert app("ada").acknowledge(posted)["id"] == posted["id"]


UNKNOWN = {"user_id": "ada", "content": HELLO, "channels": ["push"]}
UNKNOWN["fallback"] = {"channel": "sms", "after_seconds": 300}


def test_an_acknowledgement_keeps_a_fallback_from_being_sent_as_well(
    shop, people, workers, later, app
):
    people("ada")
    Push.answer = staticmethod(lambda message: Unknown(Reason.TIMEOUT))
    posted = shop.post("notifications", UNKNOWN)
    workers()
    app("ada").acknowledge(posted)
    later(301)
    assert Texts.calls == [] and "sms" not in shop.counts(posted)


def test_an_acknowledgement_stops_a_fallback_that_waits_for_the_end_of_quiet_hours(
    shop, people, workers, later, app
):
    people("ada")
    Push.answer = staticmethod(lambda message: Unknown(Reason.TIMEOUT))
    be_quiet("ada", around_now("sms"))
    posted = shop.post("notifications", UNKNOWN)
    workers()
    later(301)
    assert shop.counts(posted)["sms"] == {"retrying": 1}
    app("ada").acknowledge(posted)
    be_quiet("ada", None)
    later(90_000)
    rows = shop.get(f"notifications/{posted['id']}/deliveries", channel="sms")["data"]
    assert [(row["state"], row["reason"]) for row in rows] == [("suppressed", "acknowledged")]


def test_a_topics_subscribers_escalate_to_a_group_that_never_subscribed(
    shop, on_call, workers, later
):
    topic = shop.topic()
    subscribe(topic, on_call, "push")
    Texts.answer = staticmethod(lambda message: Retry(Reason.PROVIDER_ERROR, after=60.0))
    posted = shop.post("topics/news/publish", ALARM)
    workers()
    later(301)
    assert shop.counts(posted)["sms"] == {"retrying": 2}
    Texts.answer = Push.answer
    later(3600)
    assert texted(shop, posted) == ["bob", "cyd"]


def test_a_groups_own_alarm_escalates_to_another_group(shop, on_call, people, workers, later):
    first = Group.objects.create(publisher_id=shop.id, name="first")
    Membership.objects.create(group=first, recipient=on_call)
    posted = shop.post("groups/first/notify", ALARM)
    workers()
    later(301)
    assert texted(shop, posted) == ["bob", "cyd"]
    assert len(Push.calls) == 1


def test_a_member_who_has_it_at_that_address_does_not_get_it_twice(shop, on_call, workers, later):
    posted = shop.post("notifications", {"user_id": "bob", **ALARM, "channels": ["sms"]})
    workers()
    later(301)
    assert len(Texts.calls) == 2 and texted(shop, posted) == ["bob", "cyd"]


def test_members_refusals_hold(shop, on_call, workers, later):
    bob = Membership.objects.get(recipient__user_id="bob").recipient
    Preference.objects.create(recipient=bob, channel="sms", allowed=False)
    posted = shop.post("notifications", {"user_id": "ada", **ALARM})
    workers()
    later(301)
    assert shop.counts(posted)["sms"] == {"suppressed": 1, "accepted": 1}


def test_a_group_that_was_deleted_gets_nothing_and_stops_nothing(shop, on_call, workers, later):
    mail = {"channel": "email", "after_seconds": 60}
    alarm = {**ALARM, "fallback": {**TO_GROUP, "then": mail}}
    posted = shop.post("notifications", {"user_id": "ada", **alarm})
    workers()
    Group.objects.all().delete()
    later(361)
    assert Texts.calls == [] and len(Mails.calls) == 1
    assert shop.get(f"notifications/{posted['id']}")["state"] == "done"


def test_an_unless_read_step_for_a_group_stops_once_anybody_has_read_it(
    shop, on_call, workers, later, app
):
    alarm = {**ALARM, "channels": ["inbox"], "fallback": {**TO_GROUP, "unless": "read"}}
    shop.post("notifications", {"user_ids": ["ada", "bob"], **alarm})
    workers()
    app("bob").mark("read")
    later(301)
    assert Texts.calls == []


def test_a_cancel_ends_all_steps(shop, on_call, workers, later):
    posted = shop.post("notifications", {"user_id": "ada", **ALARM})
    workers()
    shop.post(f"notifications/{posted['id']}/cancel", None, status=200)
    later(301)
    assert Texts.calls == [] and not Delivery.objects.filter(step__gt=0).exists()


def test_who_did_not_need_it_any_more_is_not_among_those_whom_it_did_not_reach(
    shop, on_call, workers, later, app
):
    refused, busy = Refused(Reason.REJECTED), Retry(Reason.PROVIDER_ERROR, after=3600.0)
    Push.answer = staticmethod(lambda message: refused)
    Texts.answer = staticmethod(lambda message: busy if message.user_id == "bob" else refused)
    posted = shop.post("notifications", {"user_ids": ["ada", "cyd"], **ALARM})
    workers()
    later(301)
    app("cyd").acknowledge(posted)
    workers()
    assert shop.counts(posted) == {"push": {"failed": 2}, "sms": {"failed": 1, "suppressed": 1}}
    again = {"audience": {"not_reached_by": posted["id"]}, "channels": ["email"], "content": HELLO}
    posted = shop.post("notifications", again)
    workers()
    rows = shop.get(f"notifications/{posted['id']}/deliveries")["data"]
    assert [row["user_id"] for row in rows] == ["ada"]
