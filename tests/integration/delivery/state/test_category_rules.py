"""Categories of notifications: which one it has, who refuses it, and what says so."""

from typing import Any

import pytest
from django.test import Client
from rest_framework.test import APIClient

from apps.delivery.models import Delivery, Notification
from apps.delivery.operations.explain import explain
from apps.preferences.consent import suppressions
from apps.preferences.models import Contact, Preference, Recipient
from apps.publishers import services
from apps.publishers.models import Publisher
from apps.publishers.scopes import Scope
from apps.topics.models import Topic
from tests.support.publishers.inbox_app import ada
from tests.support.publishers.people import recipient, subscribe
from tests.support.publishers.shop import HELLO, Shop, delivery_of

__all__ = ["ada"]  # a fixture
#: The state and reason of a delivery that a preference refused.
REFUSED = ("suppressed", "preference")
SENT = ("delivered", "")


def put(shop: Shop, name: str, **fields: Any) -> None:
    answer = shop.http.put(f"/v1/categories/{name}", fields, format="json")
    assert answer.status_code in (200, 201), answer.json()


def refuse(person: str = "ada", allowed: bool = False, **scope: Any) -> None:
    row = Recipient.objects.get(user_id=person)
    Preference.objects.update_or_create(recipient=row, **scope, defaults={"allowed": allowed})


def post(shop: Shop, user_id: str = "ada", **body: Any) -> Any:
    whole = {"user_id": user_id, "channels": ["inbox"], "content": HELLO, **body}
    return shop.post("notifications", whole)


def ending(shop: Shop, work: Any, posted: Any) -> tuple[str, str]:
    work()
    row = delivery_of(shop, posted)
    return row["state"], row["reason"]


def category_of(shop: Shop, posted: Any) -> str:
    return shop.get(f"notifications/{posted['id']}")["category"]


def template(shop: Shop, category: str = "", name: str = "hello") -> dict[str, Any]:
    texts = [{"channel": "inbox", "locale": "en", "title": "Hello"}]
    body = {"name": name, "default_locale": "en", "contents": texts, "category": category}
    shop.post("templates", body, status=201)
    return {"name": name}


# -- Which one --------------------------------------------------------------------------------


def test_its_own_goes_before_its_topics_before_its_templates_before_the_default(shop: Shop):
    recipient("ada")
    for name in ("own", "of-topic", "of-template"):
        put(shop, name)
    shop.topic("news", category="of-topic")
    shop.topic("plain")
    said = {"template": template(shop, "of-template")}
    own = {"category": "OWN"}
    assert category_of(shop, shop.post("topics/news/publish", said | own)) == "own"
    assert category_of(shop, shop.post("topics/news/publish", said)) == "of-topic"
    assert category_of(shop, shop.post("topics/plain/publish", said)) == "of-template"
    assert category_of(shop, shop.post("topics/plain/publish", {"content": HELLO})) == "default"
    assert category_of(shop, post(shop, **own)) == "own"
    assert category_of(shop, post(shop)) == "default"
    named = {"user_id": "ada", "channels": ["inbox"]}
    assert category_of(shop, shop.post("notifications", named | said)) == "of-template"
    assert category_of(shop, shop.post("notifications", {"user_id": "ada", **said})) == (
        "of-template"
    )
    items = [named | said, named | said | own, named | {"content": HELLO}]
    results = shop.post("notifications/batch", {"notifications": items})["results"]
    found = [category_of(shop, one["notification"]) for one in results]
    assert found == ["of-template", "own", "default"]


def test_a_category_that_is_not_in_the_catalogue_is_refused_and_said_what_to_do(shop: Shop):
    recipient("ada")
    body = {"user_id": "ada", "content": HELLO, "category": "ordres"}
    refused = shop.post("notifications", body, status=400)
    assert refused["type"] == "/problems/unknown-category"
    assert refused["errors"][0]["pointer"] == "/category"
    assert "PUT /v1/categories/" in refused["detail"]
    ok = {"user_id": "ada", "content": HELLO}
    results = shop.post("notifications/batch", {"notifications": [body, ok]})["results"]
    assert results[0]["problem"]["type"] == "/problems/unknown-category"
    assert results[1]["status"] == "accepted"
    assert Notification.objects.count() == 1


def test_a_version_of_the_template_before_the_category_is_of_the_default_one(shop: Shop):
    recipient("ada")
    put(shop, "orders")
    used = template(shop)
    texts = [{"channel": "inbox", "locale": "en", "title": "Hello"}]
    body = {"default_locale": "en", "contents": texts, "category": "orders"}
    shop.post("templates/hello/versions", body, status=201)
    named = {"user_id": "ada", "channels": ["inbox"]}
    old = shop.post("notifications", named | {"template": used | {"version": 1}})
    assert category_of(shop, old) == "default"
    assert category_of(shop, shop.post("notifications", named | {"template": used})) == "orders"


def test_the_same_content_in_another_category_is_another_notification(shop: Shop):
    recipient("ada")
    put(shop, "orders")
    once = {"deduplicate_seconds": 60}
    first, second = post(shop, **once), post(shop, category="orders", **once)
    assert first["id"] != second["id"]
    assert post(shop, category="Orders", **once)["id"] == second["id"]


def test_a_topic_of_the_version_before_brings_its_category_along_when_something_is_posted(
    shop: Shop,
):
    topic = shop.topic("news")
    Topic.objects.filter(pk=topic.pk).update(category="gardening")  # a process that knows no rows
    assert category_of(shop, shop.post("topics/news/publish", {"content": HELLO})) == "gardening"
    assert shop.get("categories/gardening")["kind"] == "transactional"


# -- Who refuses it ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("scope", "words"),
    [
        ({"category": "orders"}, "they refuse “Your orders”"),
        ({"category": "orders", "channel": "inbox"}, "they refuse “Your orders” on inbox"),
        ({"channel": "inbox"}, "they refuse everything on inbox"),
        ({}, "they refuse everything"),
    ],
)
def test_preferences_apply_to_people_who_are_named(shop: Shop, work, scope, words):
    recipient("ada")
    put(shop, "orders", display_name={"en": "Your orders"})
    refuse(**scope)
    posted = post(shop, category="orders")
    assert ending(shop, work, posted) == REFUSED
    assert delivery_of(shop, posted)["reason_text"] == words


def test_preferences_apply_to_groups(shop: Shop, work):
    recipient("ada"), recipient("bob")
    put(shop, "orders")
    refuse(category="orders")
    assert shop.http.put("/v1/groups/staff", {}, format="json").status_code == 201
    shop.post("groups/staff/members", {"user_ids": ["ada", "bob"]}, status=200)
    posted = shop.post("groups/staff/notify", {"content": HELLO, "category": "orders"})
    work()
    work()
    assert shop.counts(posted)["inbox"] == {"delivered": 1, "suppressed": 1}
    rows = shop.get(f"notifications/{posted['id']}/deliveries", channel="inbox")["data"]
    found = {row["user_id"]: (row["state"], row["reason"]) for row in rows}
    assert found == {"ada": REFUSED, "bob": SENT}


def test_a_preference_for_the_topic_goes_before_one_for_its_notifications_category(
    shop: Shop, work
):
    topic = shop.topic("news", category="orders", display_name="The news")
    subscribe(topic, recipient("ada"), "inbox")
    put(shop, "offers")
    refuse(category="offers")
    posted = shop.post("topics/news/publish", {"content": HELLO, "category": "offers"})
    assert ending(shop, work, posted) == REFUSED
    assert ending(shop, work, shop.post("topics/news/publish", {"content": HELLO})) == SENT
    refuse(topic_id=topic.pk, allowed=True)
    posted = shop.post("topics/news/publish", {"content": HELLO, "category": "offers"})
    assert ending(shop, work, posted) == SENT
    refuse(topic_id=topic.pk)
    posted = shop.post("topics/news/publish", {"content": HELLO, "category": "offers"})
    assert ending(shop, work, posted) == REFUSED
    assert delivery_of(shop, posted)["reason_text"] == "they refuse the topic “The news”"


def test_no_category_of_its_own_makes_a_refused_topics_notification_go_out(shop: Shop):
    """A key cannot take a topic's refusal away because the topic's category is refused, too."""
    topic = shop.topic("news", category="offers")
    subscribe(topic, recipient("ada"), "inbox")
    refuse(category="offers")
    refuse(topic_id=topic.pk)
    body = {"preferences": [{"topic": "news", "allowed": None}]}
    answer = shop.http.patch("/v1/recipients/ada/preferences", body, format="json")
    assert answer.json()["type"] == "/problems/protected"


@pytest.mark.parametrize("category", ["offers", "default"])
def test_no_key_lifts_the_refusal_of_a_category_by_allowing_a_topic(
    shop: Shop, work, category: str
):
    """A topic's notifications may have any category, and a preference for the topic goes first."""
    subscribe(shop.topic("news", category="orders"), recipient("ada"), "inbox")
    put(shop, "offers")
    refuse(category=category)
    body = {"preferences": [{"topic": "news", "allowed": True}]}
    answer = shop.http.patch("/v1/recipients/ada/preferences", body, format="json")
    assert answer.json()["type"] == "/problems/protected"
    posted = shop.post("topics/news/publish", {"content": HELLO, "category": category})
    assert ending(shop, work, posted) == REFUSED


def test_what_was_accepted_keeps_its_category_when_the_topic_gets_another(shop: Shop, work):
    topic = shop.topic("news", category="orders")
    subscribe(topic, recipient("ada"), "inbox")
    posted = shop.post("topics/news/publish", {"content": HELLO})
    shop.http.patch("/v1/topics/news", {"category": "offers"}, format="json")
    refuse(category="offers")
    assert ending(shop, work, posted) == SENT
    assert category_of(shop, posted) == "orders"


def test_what_was_accepted_by_the_version_before_has_its_topics_category(shop: Shop, work, execute):
    topic = shop.topic("news", category="orders")
    subscribe(topic, recipient("ada"), "inbox")
    refuse(category="orders")
    posted = shop.post("topics/news/publish", {"content": HELLO})
    execute("UPDATE delivery_notification SET category = '', category_kind = ''")
    assert ending(shop, work, posted) == REFUSED
    assert delivery_of(shop, posted)["reason_text"] == "they refuse “orders”"


def test_what_is_refused_between_two_attempts_is_not_tried_again(shop: Shop, work, execute):
    recipient("ada")
    put(shop, "orders", display_name={"en": "Your orders"})
    posted = post(shop, category="orders")
    work()
    retry = "UPDATE delivery_delivery SET state = 'retrying', attempts = 0, next_attempt_at = now()"
    execute(retry)
    refuse(category="orders", channel="inbox")
    assert ending(shop, work, posted) == REFUSED
    assert delivery_of(shop, posted)["reason_text"] == "they refuse “Your orders” on inbox"


# -- Critical ---------------------------------------------------------------------------------


def test_no_preference_refuses_what_is_critical(shop: Shop, work, ada: APIClient):
    put(shop, "security", kind="critical")
    nothing = [{"allowed": False}, {"category": "security", "channel": "inbox", "allowed": False}]
    answer = ada.put("/v1/me/preferences", {"preferences": nothing}, format="json")
    assert answer.status_code == 200
    code = {"category": "security", "priority": "high"}
    assert ending(shop, work, post(shop, **code)) == SENT
    assert ending(shop, work, post(shop)) == REFUSED


def test_a_suppression_holds_for_what_is_critical(shop: Shop, work):
    person = recipient("ada", sms="+12025550123")
    put(shop, "security", kind="critical")
    row = Contact.objects.get(recipient=person, channel="sms")
    index = bytes(row.address_index)
    suppressions.suppress([suppressions.Blocked("sms", index, row.masked, "opted_out")])
    posted = post(shop, category="security", channels=["sms"])
    assert ending(shop, work, posted) == ("suppressed", "opted_out")


def test_critical_goes_to_subscribers_and_groups_who_refuse(shop: Shop, work):
    put(shop, "security", kind="critical")
    topic = shop.topic("codes", category="security")
    subscribe(topic, recipient("ada"), "inbox")
    refuse(topic_id=topic.pk)
    assert ending(shop, work, shop.post("topics/codes/publish", {"content": HELLO})) == SENT
    assert shop.http.put("/v1/groups/staff", {}, format="json").status_code == 201
    shop.post("groups/staff/members", {"user_ids": ["ada"]}, status=200)
    refuse()
    said = {"content": HELLO, "category": "security", "channels": ["inbox"]}
    posted = shop.post("groups/staff/notify", said)
    work()
    assert ending(shop, work, posted) == SENT


def test_what_was_accepted_as_critical_stays_so_and_nothing_becomes_it(shop: Shop, work):
    recipient("ada")
    put(shop, "security", kind="critical")
    put(shop, "orders")
    refuse()
    critical, plain = post(shop, category="security"), post(shop, category="orders")
    put(shop, "security", kind="promotional")
    put(shop, "orders", kind="critical")
    assert ending(shop, work, critical) == SENT
    assert delivery_of(shop, plain)["reason"] == "preference"


def test_critical_takes_a_scope_wherever_the_category_comes_from(shop: Shop):
    recipient("ada")
    put(shop, "security", kind="critical")
    shop.topic("codes", category="security")
    used = template(shop, "security")
    assert shop.http.put("/v1/groups/staff", {}, format="json").status_code == 201
    publisher = Publisher.objects.get(pk=shop.id)
    _, key = services.create_key(publisher.pk, set(Scope) - {Scope.NOTIFICATIONS_CRITICAL})
    shop.http.credentials(HTTP_AUTHORIZATION=f"Bearer {key}")
    own = {"content": HELLO, "category": "security"}
    for path, body in (
        ("notifications", {"user_id": "ada", **own}),
        ("notifications", {"user_id": "ada", "template": used}),
        ("topics/codes/publish", {"content": HELLO}),
        ("groups/staff/notify", own),
    ):
        refused = shop.post(path, body, status=403)
        assert refused["type"] == "/problems/missing-scope"
        assert refused["scope"] == "notifications:critical"
    batch = [{"user_id": "ada", **own}, {"user_id": "ada", "content": HELLO}]
    first, second = shop.post("notifications/batch", {"notifications": batch})["results"]
    assert first["problem"]["type"] == "/problems/missing-scope"
    assert second["status"] == "accepted"
    orders = {"content": HELLO, "category": "default"}
    shop.post("topics/codes/publish", orders)  # it says itself that it is not critical


# -- What says so -----------------------------------------------------------------------------


def story(posted: Any) -> str:
    told = explain(Recipient.objects.get(user_id="ada"), Notification.objects.get(pk=posted["id"]))
    sentences = [*told.sentences, *(one for rows in told.channels.values() for one in rows)]
    return " ".join(sentence.text for sentence in sentences)


def test_why_names_the_category_and_the_rule_that_decided(shop: Shop, work):
    recipient("ada")
    put(shop, "offers", kind="promotional", display_name={"en": "Offers"})
    refuse(category="offers", channel="inbox")
    refuse(channel="sms")
    posted = post(shop, category="offers")
    work()
    told = story(posted)
    assert "Its category is “Offers”, which is promotional." in told
    assert "was not sent because they refuse “Offers” on inbox." in told
    assert "They refuse the category “Offers” on inbox (set on" in told
    assert "sms" not in told, "only the one that decided"
    refuse(category="offers", channel="inbox", allowed=True)
    assert "because they refuse “Offers” on inbox." in story(posted), "as it was then"


def test_why_says_that_preferences_do_not_apply(shop: Shop, work):
    recipient("ada")
    put(shop, "security", kind="critical", display_name={"en": "Security"})
    posted = post(shop, category="security")
    work()
    assert (
        "Its category is “Security”, which is critical: preferences do not apply to it."
        in story(posted)
    )


def test_the_delivery_of_the_version_before_says_what_it_knows(
    shop: Shop, work, execute, admin_client: Client
):
    recipient("ada")
    refuse()
    posted = post(shop)
    work()
    execute("UPDATE delivery_delivery SET refused_by = NULL")
    words = "they refuse this channel, topic or category"
    assert delivery_of(shop, posted)["reason_text"] == words
    page = admin_client.get(f"/admin/delivery/delivery/{Delivery.objects.get().pk}/change/")
    assert words in page.content.decode()
