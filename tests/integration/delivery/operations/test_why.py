"""``GET /v1/deliveries/{id}/why``: the explanation that the admin shows, for publishers."""

import pytest

from apps.core.delivery_ids import public_id
from apps.delivery.models import Delivery, Notification
from apps.delivery.operations.explain import explain
from apps.preferences.models import Preference
from apps.publishers.scopes import Scope
from apps.topics.models import Subscription
from tests.support.publishers.people import contact, recipient, subscribe
from tests.support.publishers.shop import make_shop

HELLO = {"title": "Hello", "body": "There"}


@pytest.fixture(autouse=True)
def ada(shop):
    return recipient("ada")


def text(sentences):
    return " ".join(sentence["text"] for sentence in sentences)


def test_it_is_the_explanation_that_operators_read(shop, ada, work):
    Preference.objects.create(recipient=ada, channel="sms", allowed=False)
    body = {"user_id": "ada", "channels": ["inbox", "sms"], "content": HELLO}
    posted = shop.post("notifications", body)
    work()
    [first, second] = shop.get(f"notifications/{posted['id']}/deliveries")["data"]
    found = shop.get(f"deliveries/{first['id']}/why")
    story = explain(ada, Notification.objects.get(pk=posted["id"]))
    assert found == {
        "delivery_id": first["id"],
        "notification_id": posted["id"],
        "user_id": "ada",
        "verdict": "yes",
        "headline": "Yes: ada has it on inbox.",
        "sentences": [{"text": one.text, "state": one.state} for one in story.sentences],
        "channels": {
            channel: [{"text": one.text, "state": one.state} for one in sentences]
            for channel, sentences in story.channels.items()
        },
    }
    assert "Attempt 1 on " in text(found["channels"]["inbox"])
    assert shop.get(f"deliveries/{second['id']}/why") == {**found, "delivery_id": second["id"]}


def test_a_bare_endpoint_is_explained_as_a_person_is(shop, work):
    topic = shop.topic("news")
    desk = contact("email", "desk@example.com", publisher_id=shop.id, state="disabled",
                   disabled_reason="dead_address")  # fmt: skip
    Subscription.objects.create(topic=topic, contact=desk, channel="email")
    posted = shop.post("topics/news/publish", {"content": HELLO})
    work()
    [row] = shop.get(f"notifications/{posted['id']}/deliveries")["data"]
    found = shop.get(f"deliveries/{row['id']}/why")
    assert (found["user_id"], found["verdict"]) == (None, "no")
    assert found["headline"] == f"No: {desk.masked} did not get it."
    assert found["channels"].keys() == {"email"}
    assert desk.masked in text(found["channels"]["email"])


def test_what_is_not_the_publishers_is_not_found(shop, other_shop, work):
    posted = shop.post("notifications", {"user_id": "ada", "content": HELLO})
    work()
    [row] = shop.get(f"notifications/{posted['id']}/deliveries")["data"]
    for publisher, name in (
        (other_shop, row["id"]),
        (shop, "dlv_nothing_1"),
        (shop, public_id(Delivery.objects.get().pk + 1)),
        (shop, "x"),
    ):
        problem = publisher.get(f"deliveries/{name}/why", status=404)
        assert problem["type"] == "/problems/not-found"
    writer = make_shop("writer", [Scope.NOTIFICATIONS_WRITE])
    problem = writer.get(f"deliveries/{row['id']}/why", status=403)
    assert problem["type"] == "/problems/missing-scope"


def test_only_a_topics_owner_is_told_of_its_subscribers(shop, other_shop, ada, work):
    topic = shop.topic("news")
    topic.granted_to.add(other_shop.id)
    subscribe(topic, ada, "inbox")
    for publisher, status in ((shop, 200), (other_shop, 403)):
        posted = publisher.post("topics/news/publish", {"content": HELLO})
        work()
        [row] = publisher.get(f"notifications/{posted['id']}/deliveries")["data"]
        found = publisher.get(f"deliveries/{row['id']}/why", status=status)
        assert ("ada" in str(found)) == (status == 200)


def test_a_refusal_of_another_topic_is_not_told(shop, other_shop, ada, work):
    """As of a delivery that was decided before it was written down which preference decided."""
    other = other_shop.topic("hidden-topic")
    Preference.objects.create(recipient=ada, channel="", topic_id=other.pk, allowed=False)
    Preference.objects.create(recipient=ada, channel="inbox", allowed=False)
    body = {"user_id": "ada", "channels": ["inbox"], "content": HELLO}
    posted = shop.post("notifications", body)
    work()
    Delivery.objects.update(refused_by=None)
    [row] = shop.get(f"notifications/{posted['id']}/deliveries")["data"]
    told = text(shop.get(f"deliveries/{row['id']}/why")["channels"]["inbox"])
    assert "They refuse everything on inbox" in told and "hidden-topic" not in told
