"""Digests of what goes to another publisher's topic, whose subscribers only its owner knows."""

import pytest

from apps.topics.models import Subscription
from notifier.domain.outcomes import Reason, Refused
from tests.support.deliveries.digests import (
    HOUR,
    Push,
    close_digests,
    delivery,
    state_and_reason,
    telling,
)
from tests.support.publishers.shop import HELLO, delivery_of


@pytest.fixture
def topic(shop, other_shop, ada):
    """A topic of the other publisher to which ada subscribes and the shop may publish."""
    topic = other_shop.topic()
    topic.granted_to.add(shop.id)
    Subscription.objects.create(topic=topic, recipient=ada, channel="push")
    return topic


@pytest.fixture
def posted(shop, topic, work):
    """One for ada by her name, and two for the topic."""
    by_name = {"user_id": "ada", "channels": ["push"], "content": HELLO, "digest": HOUR}
    found = [shop.post("notifications", by_name)]
    found += [shop.post("topics/news/publish", {"content": HELLO, "digest": HOUR}) for _ in "12"]
    work()
    assert [state_and_reason(one) for one in found] == [("retrying", "digest")] * 3
    return found


def test_a_subscriber_is_told_of_another_publishers_topic_in_a_digest_of_its_own(posted, work):
    by_name, first, second = posted
    assert delivery(first).told_in == delivery(second).told_in != delivery(by_name).told_in
    close_digests()
    work()
    assert sorted(one.content.title for one in Push.taken) == ["Hello", "Other messages: 2 new"]
    assert [state_and_reason(one) for one in posted] == [("accepted", "")] * 3


def test_neither_the_digest_nor_what_it_tells_says_who_subscribes(shop, posted):
    row = delivery_of(shop, posted[1])
    assert row["user_id"] is row["contact_id"] is row["told_in"] is None
    assert row["next_attempt_at"] and "dlv_" not in row["reason_text"]
    digest = telling(delivery(posted[1])).notification_id
    [told] = shop.get(f"notifications/{digest}/deliveries")["data"]
    assert told["user_id"] is told["address"] is told["contact_id"] is None
    own = telling(delivery(posted[0]))
    [told] = shop.get(f"notifications/{own.notification_id}/deliveries")["data"]
    assert told["user_id"] == "ada"
    assert delivery_of(shop, posted[0])["told_in"] == own.public_id


def test_a_dead_letter_of_such_a_digest_names_the_topic_and_nobody(shop, posted, work):
    Push.answer = staticmethod(lambda message: Refused(Reason.AUTHENTICATION))
    close_digests()
    work()
    letters = {one["topic"]: one["user_id"] for one in shop.get("dead-letters")["data"]}
    assert letters == {"news": None, None: "ada"}


def test_a_subscriber_who_leaves_is_told_no_more(shop, posted, work):
    Subscription.objects.all().delete()
    close_digests()
    work()
    assert [one.content.title for one in Push.taken] == ["Hello"]
    assert [state_and_reason(one)[1] for one in posted] == ["", "unsubscribed", "unsubscribed"]
