"""Deliveries that wait when their address is replaced by another."""

from apps.delivery.models import Delivery
from tests.support.deliveries.confirmations import confirm, subscribe, token_in

HELLO = {"title": "Hello", "body": "There"}
OLD, NEW = "old@example.com", "new@example.com"


def put(shop, **person):
    answer = shop.http.put("/v1/recipients/ada", person, format="json")
    assert answer.status_code in (200, 201), answer.json()
    return answer.json()


def notify(shop):
    return shop.post("notifications", {"user_id": "ada", "channels": ["email"], "content": HELLO})


def received_by(outside, what="Hello"):
    """The addresses that were sent a message with this text."""
    found = outside.client.messages(channel="email")
    return [message["address"] for message in found if what in str(message["content"])]


def test_the_new_address_alone_gets_what_is_posted(shop, outside, work):
    put(shop, email=OLD)
    put(shop, email=NEW)
    assert shop.counts(notify(shop)) == {}
    work()
    assert received_by(outside) == [NEW]


def test_what_was_accepted_before_and_is_not_yet_under_way_goes_to_the_new_address(
    shop, outside, work
):
    put(shop, email=OLD)
    posted = notify(shop)
    put(shop, email=NEW)
    work()
    assert received_by(outside) == [NEW]
    assert shop.counts(posted) == {"email": {"accepted": 1}}


def test_what_waits_for_another_attempt_at_the_old_address_is_not_sent(shop, outside, work, wake):
    put(shop, email=OLD)
    posted = notify(shop)
    work()
    Delivery.objects.update(state="retrying", next_attempt_at="2020-01-01T00:00:00Z")
    put(shop, email=NEW)
    wake()
    work()
    found = Delivery.objects.get()
    assert (found.state, found.reason) == ("suppressed", "contact_disabled")
    assert received_by(outside) == [OLD], "the first attempt alone"
    assert shop.get(f"notifications/{posted['id']}/deliveries")["data"][0]["address"]


def test_a_subscription_follows_the_person(shop, outside, work):
    put(shop, email=OLD)
    shop.topic("news")
    subscribe(shop, {"user_id": "ada", "channels": ["email"]}, topic="news")
    put(shop, email=NEW)
    shop.post("topics/news/publish", {"content": HELLO})
    work()
    assert received_by(outside) == [NEW]
    put(shop, email=None)
    posted = shop.post("topics/news/publish", {"content": HELLO})
    work()
    assert shop.counts(posted) == {"email": {"suppressed": 1}}
    assert Delivery.objects.latest("id").reason == "no_address"


def test_a_new_address_confirms_what_the_old_one_had(offers, outside, ask, work):
    put(offers, email=OLD)
    subscribe(offers, {"user_id": "ada", "channels": ["email"]})
    ask()
    [question] = outside.client.messages(channel="email")
    confirm(offers, token_in(question))
    put(offers, email=NEW)
    offers.post("topics/offers/publish", {"content": HELLO})
    work()
    assert received_by(outside) == []
    ask()
    [question] = [m for m in outside.client.messages() if m["address"] == NEW]
    confirm(offers, token_in(question))
    offers.post("topics/offers/publish", {"content": HELLO})
    work()
    assert received_by(outside) == [NEW]
