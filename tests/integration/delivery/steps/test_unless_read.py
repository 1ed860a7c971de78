"""Steps that ask whether somebody has read it: "in the inbox, and by mail if it lies unread"."""

import pytest

from apps.delivery.models import Answer
from tests.integration.delivery.steps.conftest import Mails, Texts

HELLO = {"title": "Hello", "body": "There"}
MAIL = {"channel": "email", "after_seconds": 300, "unless": "read"}
INBOX = {"content": HELLO, "channels": ["inbox"], "fallback": MAIL}


def test_reading_it_in_the_inbox_stops_the_mail(shop, people, workers, later, app):
    people("ada")
    posted = shop.post("notifications", {"user_id": "ada", **INBOX})
    workers()
    app("ada").mark("read")
    later(301)
    assert Mails.calls == [] and shop.counts(posted) == {"inbox": {"delivered": 1}}
    assert shop.get(f"notifications/{posted['id']}")["state"] == "done"


def test_what_lies_unread_goes_out_by_mail(shop, people, workers, later):
    people("ada")
    posted = shop.post("notifications", {"user_id": "ada", **INBOX})
    workers()
    later(290)
    assert Mails.calls == [], "not before its time"
    assert shop.get(f"notifications/{posted['id']}")["state"] == "sending"
    later(11)
    assert shop.counts(posted)["email"] == {"accepted": 1}
    assert shop.get(f"notifications/{posted['id']}")["fallback"] == MAIL


@pytest.mark.parametrize("status", ["read", "acknowledged", "deleted"])
def test_each_thing_that_shows_they_have_seen_it_counts(shop, people, workers, later, app, status):
    people("ada")
    shop.post("notifications", {"user_id": "ada", **INBOX})
    workers()
    app("ada").mark(status)
    later(301)
    assert Mails.calls == []


def test_it_is_asked_of_each_person(shop, people, workers, later, app):
    people("ada", "bob")
    posted = shop.post("notifications", {"user_ids": ["ada", "bob"], **INBOX})
    workers()
    app("ada").mark("read")
    later(301)
    rows = shop.get(f"notifications/{posted['id']}/deliveries", channel="email")["data"]
    assert [row["user_id"] for row in rows] == ["bob"]


def test_what_was_delivered_and_not_read_still_goes_out(shop, people, workers, later):
    people("ada")
    posted = shop.post("notifications", {"user_id": "ada", **INBOX, "channels": ["push"]})
    workers()
    later(301)
    assert shop.counts(posted) == {"push": {"accepted": 1}, "email": {"accepted": 1}}


def test_three_steps_go_out_one_after_the_other_until_it_is_read(shop, people, workers, later, app):
    people("ada")
    text = {
        "channel": "sms",
        "after_seconds": 600,
        "then": {"channel": "push", "after_seconds": 60},
    }
    posted = shop.post(
        "notifications", {"user_id": "ada", **INBOX, "fallback": {**MAIL, "then": text}}
    )
    workers()
    later(301)
    assert len(Mails.calls) == 1 and Texts.calls == []
    later(600)
    assert len(Texts.calls) == 1
    app("ada").mark("read")
    later(61)
    assert set(shop.counts(posted)) == {"inbox", "email", "sms"}
    assert shop.get(f"notifications/{posted['id']}")["state"] == "done"


def test_reading_what_has_no_steps_is_no_answer(shop, people, workers, app):
    people("ada")
    shop.post("notifications", {"user_id": "ada", "content": HELLO, "channels": ["inbox"]})
    workers()
    app("ada").mark("acknowledged")
    assert not Answer.objects.exists()


def test_marking_it_unread_again_takes_nothing_back(shop, people, workers, later, app):
    people("ada")
    shop.post("notifications", {"user_id": "ada", **INBOX})
    workers()
    app("ada").mark("read")
    app("ada").mark("unread")
    later(301)
    assert Mails.calls == []
