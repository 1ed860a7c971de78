"""What a category's defaults keep from people who have chosen nothing."""

from apps.preferences.models import Preference
from tests.integration.delivery.state.test_category_rules import (
    REFUSED,
    SENT,
    ending,
    post,
    put,
    refuse,
)
from tests.support.publishers.people import recipient, subscribe
from tests.support.publishers.shop import HELLO, Shop, delivery_of


def test_a_channel_that_is_off_by_default_is_for_those_who_chose_it(shop: Shop, work):
    recipient("ada"), recipient("bob")
    put(shop, "offers", display_name={"en": "Offers"}, defaults={"inbox": False})
    refuse("bob", allowed=True, category="offers", channel="inbox")
    posted = post(shop, category="offers")
    assert ending(shop, work, posted) == ("suppressed", "category_default")
    assert delivery_of(shop, posted)["reason_text"] == (
        "“Offers” is sent on inbox only to people who have chosen it there"
    )
    assert ending(shop, work, post(shop, "bob", category="offers")) == SENT
    refuse("bob", category="offers", channel="inbox")
    assert ending(shop, work, post(shop, "bob", category="offers")) == REFUSED


def test_a_default_applies_to_groups(shop: Shop, work):
    recipient("ada"), recipient("bob")
    put(shop, "offers", defaults={"inbox": False})
    refuse("bob", allowed=True, category="offers")
    assert shop.http.put("/v1/groups/staff", {}, format="json").status_code == 201
    shop.post("groups/staff/members", {"user_ids": ["ada", "bob"]}, status=200)
    said = {"content": HELLO, "category": "offers", "channels": ["inbox"]}
    posted = shop.post("groups/staff/notify", said)
    work()
    work()
    rows = shop.get(f"notifications/{posted['id']}/deliveries")["data"]
    found = {row["user_id"]: (row["state"], row["reason"]) for row in rows}
    assert found == {"ada": ("suppressed", "category_default"), "bob": SENT}


def test_whoever_subscribed_has_chosen_the_channel(shop: Shop, work):
    put(shop, "offers", defaults={"inbox": False})
    subscribe(shop.topic("news", category="offers"), recipient("ada"), "inbox")
    posted = shop.post("topics/news/publish", {"content": HELLO})
    assert ending(shop, work, posted) == SENT


def test_whoever_subscribed_has_not_chosen_another_category_on_the_channel(
    shop: Shop, work, execute
):
    put(shop, "offers", defaults={"inbox": False})
    subscribe(shop.topic("news", category="orders"), recipient("ada"), "inbox")
    off = {"content": HELLO, "category": "offers"}
    posted = shop.post("topics/news/publish", off)
    assert ending(shop, work, posted) == ("suppressed", "category_default")
    refuse(category="offers", channel="inbox", allowed=True)
    chosen = shop.post("topics/news/publish", off)
    assert ending(shop, work, chosen) == SENT
    execute(
        "UPDATE delivery_delivery SET state = 'retrying', attempts = 0, next_attempt_at = now()"
        " WHERE notification_id = %s",
        chosen["id"],
    )
    Preference.objects.all().delete()
    assert ending(shop, work, chosen) == ("suppressed", "category_default")


def test_a_choice_that_is_taken_back_between_two_attempts_counts(shop: Shop, work, execute):
    recipient("ada")
    put(shop, "offers", defaults={"inbox": False})
    refuse(allowed=True, category="offers")
    posted = post(shop, category="offers")
    work()
    execute(
        "UPDATE delivery_delivery SET state = 'retrying', attempts = 0, next_attempt_at = now()"
    )
    Preference.objects.all().delete()
    assert ending(shop, work, posted) == ("suppressed", "category_default")


def test_a_bare_endpoint_has_nothing_to_choose_by_but_its_subscription(shop: Shop, work, providers):
    put(shop, "offers", defaults={"email": False})
    shop.topic("news", category="orders")
    bare = {"channel": "email", "address": "desk@example.com"}
    shop.post("topics/news/subscriptions", bare, status=200)
    posted = shop.post("topics/news/publish", {"content": HELLO, "category": "offers"})
    assert ending(shop, work, posted) == ("accepted", "")
