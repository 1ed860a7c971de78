"""Publishing to people and topics over HTTP, and reading back what was posted."""

import pytest

from apps.delivery.models import Notification
from tests.support.publishers.people import recipient, subscribe

HELLO = {"title": "Hello", "body": "There"}


def test_a_notification_to_one_person_reaches_their_inbox(shop, work):
    recipient("ada")
    posted = shop.post("notifications", {"user_id": "ada", "content": HELLO})
    assert posted["state"] == "accepted"
    work()
    found = shop.get(f"notifications/{posted['id']}")
    assert found["state"] == "done"
    assert found["counts"] == {"inbox": {"delivered": 1}}


def test_channels_left_out_means_every_channel_on_which_the_person_is_reached(shop):
    recipient("ada", email="ada@example.com")
    posted = shop.post("notifications", {"user_id": "ada", "content": HELLO})
    assert posted["channels"] == ["email", "inbox"]


def test_naming_somebody_twice_notifies_them_once(shop, work):
    recipient("ada")
    posted = shop.post("notifications", {"user_ids": ["ada", "ada"], "content": HELLO})
    work()
    assert shop.counts(posted) == {"inbox": {"delivered": 1}}


def test_unknown_recipients_are_named_and_nothing_is_accepted(shop):
    recipient("ada")
    problem = shop.post(
        "notifications", {"user_ids": ["ada", "bob", "eve"], "content": HELLO}, status=400
    )
    assert problem["type"] == "/problems/unknown-recipient"
    assert problem["user_ids"] == ["bob", "eve"]
    assert problem["detail"].startswith("Unknown recipients: 'bob', 'eve'. Register them")
    assert {error["pointer"] for error in problem["errors"]} == {"/user_ids"}
    assert not Notification.objects.exists()


def test_one_unknown_recipient_is_pointed_at_where_it_was_named(shop):
    problem = shop.post("notifications", {"user_id": "bob", "content": HELLO}, status=400)
    assert problem["errors"] == [{"pointer": "/user_id", "detail": "'bob' is not a recipient."}]


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"titel": "x"}, "/titel"),
        ({"content": {"subject": "x"}}, "/content/subject"),
        ({"priority": "urgent"}, "/priority"),
        ({"channels": ["fax"]}, "/channels"),
        ({"expires_at": "2001-01-01T00:00:00Z"}, "/expires_at"),
        ({"send_at": "tomorrow"}, "/send_at"),
        ({"content": {}}, "/content"),
        ({"content": {"body": "x", "actions": {"Open": "javascript:alert(1)"}}}, "/content"),
        ({"user_ids": ["ada"]}, ""),
        ({"user_id": None}, "/user_id"),
    ],
)
def test_bad_input_is_pointed_at(shop, change, pointer):
    recipient("ada")
    problem = shop.post("notifications", {"user_id": "ada", "content": HELLO, **change}, status=400)
    assert problem["errors"][0]["pointer"].startswith(pointer)


def test_a_word_that_is_not_one_of_a_few_is_answered_with_the_few(shop):
    body = {"user_id": "ada", "priority": "urgent", "content": HELLO}
    problem = shop.post("notifications", body, status=400)
    assert problem["errors"][0]["detail"] == "It must be one of: high, normal, low."


def test_content_over_64_kib_is_refused_with_its_size(shop):
    recipient("ada")
    content = {"body": "x" * 70_000}
    problem = shop.post(
        "notifications", {"user_id": "ada", "channels": ["inbox"], "content": content}, status=413
    )
    assert "70" in problem["detail"] and problem["limit"] == 65536


def test_more_than_a_thousand_recipients_are_refused(shop):
    names = [f"u{n}" for n in range(1001)]
    problem = shop.post("notifications", {"user_ids": names, "content": HELLO}, status=400)
    assert problem["errors"][0]["pointer"] == "/user_ids"


def test_content_a_named_channel_cannot_carry_is_refused_at_once(shop):
    recipient("ada", sms="+4366012345678")
    problem = shop.post(
        "notifications",
        {"user_id": "ada", "channels": ["sms"], "content": {"body": "x" * 2000}},
        status=400,
    )
    assert "sms" in problem["detail"]


def test_a_topic_reaches_its_subscribers_on_their_channels(shop, work):
    topic = shop.topic()
    for name in ("ada", "bob"):
        subscribe(topic, recipient(name), "inbox")
    recipient("eve")
    posted = shop.post("topics/news/publish", {"content": HELLO})
    work()
    assert shop.counts(posted) == {"inbox": {"delivered": 2}}


def test_a_topics_priority_is_used_where_none_is_given(shop):
    shop.topic(default_priority="low")
    assert shop.post("topics/news/publish", {"content": HELLO})["priority"] == "low"
    urgent = shop.post("topics/news/publish", {"content": HELLO, "priority": "high"})
    assert urgent["priority"] == "high"


def test_only_the_channels_asked_for_are_used(shop, work):
    topic = shop.topic()
    person = recipient("ada", email="ada@example.com")
    subscribe(topic, person, "inbox", "email")
    posted = shop.post("topics/news/publish", {"content": HELLO, "channels": ["inbox"]})
    work()
    assert shop.counts(posted) == {"inbox": {"delivered": 1}}


def test_another_publishers_topic_does_not_exist_until_it_is_granted(shop, other_shop):
    topic = other_shop.topic("theirs")
    shop.post("topics/theirs/publish", {"content": HELLO}, status=404)
    topic.granted_to.add(shop.id)
    shop.post("topics/theirs/publish", {"content": HELLO})


def test_a_granted_publisher_sees_what_became_of_it_and_not_who_is_subscribed(
    shop, other_shop, work, providers
):
    topic = other_shop.topic("theirs")
    topic.granted_to.add(shop.id)
    topic.save()
    subscribe(topic, recipient("ada", sms="+4366012345678"), "inbox", "sms")
    shop.get("topics/theirs/subscriptions", status=403)
    providers.client.behave("twilio", "401")  # a dead letter
    posted = shop.post("topics/theirs/publish", {"content": HELLO})
    own = shop.post("notifications", {"user_id": "ada", "content": HELLO, "channels": ["inbox"]})
    work()
    rows = shop.get(f"notifications/{posted['id']}/deliveries")["data"]
    states = {row["channel"]: row["state"] for row in rows}
    assert states == {"inbox": "delivered", "sms": "dead"}
    [letter] = shop.get("dead-letters")["data"]
    one = shop.get(f"dead-letters/{letter['id']}")
    assert {(row["user_id"], row["address"]) for row in (*rows, letter, one)} == {(None, None)}
    # with it, a reader of the directory would find out whose it is
    assert {row["contact_id"] for row in (*rows, one)} == {None}
    [row] = shop.get(f"notifications/{own['id']}/deliveries")["data"]
    assert row["user_id"] == "ada" and row["contact_id"]
    theirs = other_shop.post("topics/theirs/publish", {"content": HELLO, "channels": ["inbox"]})
    work()
    [row] = other_shop.get(f"notifications/{theirs['id']}/deliveries")["data"]
    assert row["user_id"] == "ada"


def test_another_publishers_notification_does_not_exist(shop, other_shop):
    recipient("ada")
    posted = shop.post("notifications", {"user_id": "ada", "content": HELLO})
    for path in ("", "/deliveries"):
        other_shop.get(f"notifications/{posted['id']}{path}", status=404)
    other_shop.post(f"notifications/{posted['id']}/cancel", None, status=404)


def test_a_batch_gives_each_notification_a_result_of_its_own(shop, work):
    recipient("ada")
    good = {"user_id": "ada", "content": HELLO}
    answer = shop.post(
        "notifications/batch",
        {"notifications": [good, {"user_id": "nobody", "content": HELLO}, {"user_id": "ada"}]},
    )
    first, second, third = answer["results"]
    assert [row["status"] for row in answer["results"]] == ["accepted", "error", "error"]
    assert second["problem"]["type"] == "/problems/unknown-recipient"
    assert third["problem"]["errors"][0]["pointer"] == "/content"
    work()
    assert shop.counts(first["notification"]) == {"inbox": {"delivered": 1}}
    assert Notification.objects.count() == 1


def test_notifications_are_listed_newest_first_and_by_pages(shop):
    recipient("ada")
    ids = [shop.post("notifications", {"user_id": "ada", "content": HELLO})["id"] for _ in range(3)]
    page = shop.get("notifications", limit=2)
    rest = shop.get("notifications", limit=2, cursor=page["next"])
    assert [row["id"] for row in page["data"] + rest["data"]] == ids[::-1]
    assert rest["next"] is None


def test_deliveries_are_paged_with_their_attempts_and_masked_addresses(shop, work):
    topic = shop.topic()
    for n in range(3):
        subscribe(topic, recipient(f"u{n}"), "inbox")
    posted = shop.post("topics/news/publish", {"content": HELLO})
    work()
    path = f"notifications/{posted['id']}/deliveries"
    page = shop.get(path, limit=2)
    rest = shop.get(path, limit=2, cursor=page["next"])
    rows = page["data"] + rest["data"]
    assert sorted(row["user_id"] for row in rows) == ["u0", "u1", "u2"]
    assert all(row["attempts"][0]["outcome"] == "accepted" for row in rows)
    assert shop.get(path, state="failed")["data"] == []
    assert shop.get(path, state="delivered", channel="inbox")["data"]
