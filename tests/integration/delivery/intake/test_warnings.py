"""Warnings in the answer: people who have no address on a channel."""

from tests.support.publishers.people import recipient

HELLO = {"title": "Hello", "body": "There"}


def test_push_to_somebody_without_a_device_is_said_in_the_answer(shop):
    recipient("ada", email="ada@example.com")
    said = {"user_id": "ada", "content": HELLO, "channels": ["push", "email"]}
    posted = shop.post("notifications", said)
    [warning] = posted["warnings"]
    assert warning["pointer"] == "/channels"
    assert "'ada' has no address on push" in warning["detail"]


def test_of_many_the_answer_says_how_many_have_no_address(shop):
    recipient("ada", push_ios="a" * 64)
    recipient("bob")
    recipient("eve")
    everybody = {"user_ids": ["ada", "bob", "eve"], "content": HELLO}
    posted = shop.post("notifications", {**everybody, "channels": ["push", "inbox", "sms"]})
    assert [warning["detail"].partition(":")[0] for warning in posted["warnings"]] == [
        "2 of 3 recipients have no address on push",
        "3 of 3 recipients have no address on sms",
    ]


def test_a_disabled_device_and_a_fallback_without_address_are_said(shop):
    person = recipient("ada", push_ios="a" * 64)
    person.contacts.filter(channel="push").update(state="disabled")
    fallback = {"channel": "sms", "after_seconds": 60}
    said = {"user_id": "ada", "content": HELLO, "channels": ["push"], "fallback": fallback}
    posted = shop.post("notifications", said)
    assert [one["pointer"] for one in posted["warnings"]] == ["/channels", "/fallback/channel"]


def test_nothing_is_warned_of_where_everybody_is_reached(shop):
    recipient("ada", push_ios="a" * 64)
    for said in ({"channels": ["push", "inbox"]}, {}):
        posted = shop.post("notifications", {"user_id": "ada", "content": HELLO, **said})
        assert "warnings" not in posted


def test_each_of_a_batch_and_a_replay_have_their_warnings(shop):
    recipient("ada")
    said = {"user_id": "ada", "content": HELLO}
    body = {"notifications": [said, {**said, "channels": ["push"]}]}
    first = shop.post("notifications/batch", body, **{"Idempotency-Key": "k"})
    assert ["warnings" in one["notification"] for one in first["results"]] == [False, True]
    assert shop.post("notifications/batch", body, **{"Idempotency-Key": "k"}) == first
