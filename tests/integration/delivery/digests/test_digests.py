"""Notifications that are told together: what joins a digest, and what the message says."""

from datetime import UTC, datetime, timedelta

import pytest

from apps.delivery.models import Delivery, OpenDigest
from tests.support.deliveries.digests import (
    HOUR,
    Push,
    close_digests,
    delivery,
    digests,
    post,
    state_and_reason,
    telling,
)
from tests.support.publishers.people import recipient


@pytest.fixture(autouse=True)
def _ada(ada):
    return ada


def test_several_are_told_in_one_message_when_the_digest_closes(shop, work):
    posted = [post(shop, number) for number in (1, 2, 3)]
    work()
    assert [state_and_reason(one) for one in posted] == [("retrying", "digest")] * 3
    assert Push.taken == []
    (opened,) = OpenDigest.objects.all()
    assert opened.items == 3
    assert close_digests() == 1
    work()
    (message,) = Push.taken
    assert message.content.title == "Other messages: 3 new"
    assert message.content.body.splitlines() == [
        "• Comment 1: Text 1",
        "• Comment 2: Text 2",
        "• Comment 3: Text 3",
    ]
    assert [state_and_reason(one) for one in posted] == [("accepted", "")] * 3
    told_in = {delivery(one).told_in for one in posted}
    assert message.id == telling(delivery(posted[0])).public_id and len(told_in) == 1
    assert not OpenDigest.objects.exists()
    for one in posted:
        assert shop.counts(one)["push"] == {"accepted": 1}


def test_the_first_one_says_when_it_closes(shop, work):
    posted = post(shop, digest={"key": "k", "window": 3600})
    work()
    post(shop, digest={"key": "k", "window": 60})
    work()
    due = telling(delivery(posted)).next_attempt_at
    assert timedelta(minutes=58) < due - datetime.now(UTC) < timedelta(minutes=61)


def test_a_single_one_goes_out_as_itself(shop, work):
    posted = post(shop, 7)
    work()
    close_digests()
    work()
    (message,) = Push.taken
    assert (message.content.title, message.content.body) == ("Comment 7", "Text 7")
    assert state_and_reason(posted) == ("accepted", "")


def test_keys_people_and_publishers_have_digests_of_their_own(shop, other_shop, work):
    recipient("bob", push_android="token-bob")
    post(shop)
    post(shop, digest={"key": "likes", "window": 3600})
    post(shop, user_id="bob")
    post(other_shop)
    work()
    assert len(digests()) == 4


def test_what_comes_after_the_close_opens_another_digest(shop, work):
    post(shop, 1)
    work()
    close_digests()
    work()
    post(shop, 2)
    work()
    assert len(digests()) == 2 and len(Push.taken) == 1
    close_digests()
    work()
    assert [one.content.title for one in Push.taken] == ["Comment 1", "Comment 2"]


def test_high_priority_waits_for_no_digest(shop, work):
    answer = shop.http.post(
        "/v1/notifications",
        {"user_id": "ada", "content": {"title": "x"}, "digest": HOUR, "priority": "high"},
        format="json",
    )
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["pointer"] == "/digest"


def test_inboxes_do_not_wait(shop, work):
    posted = post(shop, channels=["inbox", "push"])
    work()
    assert state_and_reason(posted, "inbox") == ("delivered", "")
    assert state_and_reason(posted) == ("retrying", "digest")


def test_a_cancelled_one_leaves_the_digest(shop, work):
    first, second = post(shop, 1), post(shop, 2)
    work()
    shop.post(f"notifications/{first['id']}/cancel", {}, status=200)
    assert state_and_reason(first) == ("cancelled", "digest")
    close_digests()
    work()
    (message,) = Push.taken
    assert message.content.title == "Comment 2"
    assert state_and_reason(second) == ("accepted", "")
    assert state_and_reason(first) == ("cancelled", "digest"), "it is not moved with what is told"
    assert delivery(first).told_in is None


def test_a_digest_with_nothing_left_is_not_sent(shop, work):
    posted = post(shop)
    work()
    told_in = delivery(posted).told_in
    shop.post(f"notifications/{posted['id']}/cancel", {}, status=200)
    close_digests()
    work()
    assert Push.taken == []
    assert Delivery.objects.get(pk=told_in).state == "cancelled"
