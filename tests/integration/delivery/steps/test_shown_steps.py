"""Steps as publishers and operators see them: their states, who acknowledged, and why."""

import pytest
from django.urls import reverse

from apps.delivery.models import Delivery, Notification
from apps.delivery.operations.explain import explain
from apps.preferences.models import Group, Membership, Recipient

HELLO = {"title": "The pump has stopped", "body": "Hall 3"}
TEXT = {"channel": "sms", "after_seconds": 600, "unless": "acknowledged", "group": "on-call"}
MAIL = {"channel": "email", "after_seconds": 300, "unless": "read", "then": TEXT}
ALARM = {"content": HELLO, "channels": ["inbox"], "fallback": MAIL}


@pytest.fixture
def posted(shop, people, workers):
    """An alarm to ada, with a mail and then text messages to bob and cyd."""
    _, *others = people("ada", "bob", "cyd")
    group = Group.objects.create(publisher_id=shop.id, name="on-call")
    for person in others:
        Membership.objects.create(group=group, recipient=person)
    found = shop.post("notifications", {"user_id": "ada", **ALARM})
    workers()
    return found


def steps(shop, posted):
    return shop.get(f"notifications/{posted['id']}")["steps"]


def states(shop, posted):
    return [step["state"] for step in steps(shop, posted)]


def explanation_of(posted, name):
    story = explain(Recipient.objects.get(user_id=name), Notification.objects.get(pk=posted["id"]))
    every = [*story.sentences, *(one for some in story.channels.values() for one in some)]
    return story, " ".join(sentence.text for sentence in every)


def test_each_step_says_what_became_of_it(shop, posted, workers, later, app):
    first, second = steps(shop, posted)
    assert first["due_at"] < second["due_at"]
    assert {name: second[name] for name in ("number", "channel", "group", "unless")} == {
        "number": 2,
        "channel": "sms",
        "group": "on-call",
        "unless": "acknowledged",
    }
    assert states(shop, posted) == ["waiting", "waiting"]
    later(301)
    assert states(shop, posted) == ["done", "waiting"]
    assert steps(shop, posted)[0]["counts"] == {"accepted": 1}
    later(601)
    assert states(shop, posted) == ["done", "done"]
    assert steps(shop, posted)[1]["counts"] == {"accepted": 2}


def test_a_step_says_when_it_is_due_only_while_it_waits(shop, posted, app):
    app("ada").mark("acknowledged")  # which makes it due, for a worker to find it needless
    assert [(step["state"], step["due_at"]) for step in steps(shop, posted)] == [
        ("sending", None),
        ("sending", None),
    ]


def test_what_was_not_needed_and_what_was_cancelled_are_told_apart(
    shop, posted, workers, later, app
):
    another = shop.post("notifications", {"user_id": "ada", **ALARM})
    workers()
    shop.post(f"notifications/{another['id']}/cancel", None, status=200)
    app("ada").mark("acknowledged")
    workers()
    assert states(shop, posted) == ["not_needed", "not_needed"]
    assert states(shop, another) == ["cancelled", "cancelled"]


def test_it_says_who_acknowledged_and_when(shop, posted, later, app):
    assert shop.get(f"notifications/{posted['id']}")["acknowledged_by"] == []
    later(901)
    at = app("cyd").acknowledge(posted)["acknowledged_at"]
    shown = shop.get(f"notifications/{posted['id']}")["acknowledged_by"]
    assert shown == [{"user_id": "cyd", "acknowledged_at": at}]
    [listed] = shop.get("notifications")["data"]
    assert listed["acknowledged_by"] == shown


def test_why_is_explained_step_by_step(shop, posted, workers, later, app):
    story, words = explanation_of(posted, "ada")
    assert story.verdict == "yes"
    assert "Step 1: 300 seconds later it goes to them on email, unless it was read by" in words
    assert "goes to the group on-call on sms, unless it was acknowledged by anybody" in words
    story, words = explanation_of(posted, "bob")
    assert story.verdict == "not_yet" and "may still get it on sms" in story.headline
    assert "Step 2 is due on" in words
    app("ada").mark("read")
    later(301)
    _, words = explanation_of(posted, "ada")
    assert "Step 1 was not needed: they read it in their inbox on" in words
    app("ada").mark("acknowledged")
    workers()
    story, words = explanation_of(posted, "bob")
    assert story.verdict == "no" and "Step 2 was not needed: ada acknowledged it on" in words


def test_why_tells_of_an_acknowledgement_that_kept_a_fallback_from_being_sent(
    shop, people, workers, later, app
):
    people("ada")
    plain = {"channel": "sms", "after_seconds": 300}
    posted = shop.post(
        "notifications",
        {"user_id": "ada", "content": HELLO, "channels": ["push"], "fallback": plain},
    )
    workers()
    Delivery.objects.update(state="unknown")
    assert "It is due on" in explanation_of(posted, "ada")[1]
    app("ada").acknowledge(posted)
    for _ in ("before its time", "after it"):
        story, words = explanation_of(posted, "ada")
        assert "They acknowledged it, so it was not needed." in words
        assert story.verdict != "not_yet" and "It is due on" not in words
        later(301)


def test_operators_see_the_steps_and_who_acknowledged(shop, posted, app, workers, admin_client):
    app("ada").mark("acknowledged")
    workers()
    page = admin_client.get(reverse("admin:delivery_notification_change", args=[posted["id"]]))
    text = page.content.decode()
    assert "Steps of its fallback" in text and "group on-call" in text and "not needed" in text
    assert "Acknowledged by" in text


def test_a_dry_run_judges_each_step(shop, posted):
    found = shop.post("notifications/dry-run", {"user_id": "ada", **ALARM}, status=200)
    assert found["fallback"] == {} and found["exact"] is True
    shown = [(one["number"], one["channel"], one["people"], one["later"]) for one in found["steps"]]
    assert shown == [(1, "email", 1, {"fallback": 1}), (2, "sms", 2, {"fallback": 2})]
