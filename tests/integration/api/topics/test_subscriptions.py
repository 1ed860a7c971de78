"""Subscriptions: recipients on channels, and bare endpoints."""

import pytest

from apps.preferences import vault
from apps.preferences.models import Contact
from apps.topics.models import Subscription
from tests.support.publishers.api_client import Api, cheap

PATH = "topics/news/subscriptions"
EMAIL = {"channel": "email", "address": "news@example.com"}
TOKEN = "f" * 60


@pytest.fixture(autouse=True)
def news(api: Api) -> None:
    api.post("topics", {"name": "news"}, status=201)
    for user_id in ("ada", "bob"):
        api.put(f"recipients/{user_id}", {}, status=201)


def test_a_recipient_is_subscribed_on_chosen_channels(api: Api):
    made = api.post(PATH, {"user_id": "ada", "channels": ["push", "email"]})["subscriptions"]
    assert [(one["channel"], one["state"]) for one in made] == [
        ("push", "active"),
        ("email", "active"),
    ]
    rows = api.get(PATH)["data"]
    assert {row["id"] for row in rows} == {one["id"] for one in made}
    assert {row["user_id"] for row in rows} == {"ada"}
    assert {row["address"] for row in rows} == {None}


@pytest.mark.parametrize(
    ("endpoint", "stored", "masked"),
    [
        (EMAIL, "news@example.com", "n•••@example.com"),
        ({"channel": "sms", "address": "+49 151 12345678"}, "+4915112345678", None),
        ({"channel": "push", "address": TOKEN, "platform": "web", "app": "shop"}, TOKEN, None),
        (
            {"channel": "webhook", "address": "https://example.com/a?b=c"},
            "https://example.com/a?b=c",
            "https://example.com/•••",
        ),
    ],
)
def test_a_bare_endpoint_is_subscribed_at_itself(
    api: Api, endpoint: dict, stored: str, masked: str | None
):
    (made,) = api.post(PATH, endpoint)["subscriptions"]
    contact = Contact.objects.get(recipient=None)
    assert vault.open(bytes(contact.address), bytes(contact.address_index)) == stored
    assert contact.platform == endpoint.get("platform", "")
    assert contact.app == endpoint.get("app", "")
    (row,) = api.get(PATH)["data"]
    assert row["id"] == made["id"]
    assert row["user_id"] is None
    assert row["address"] != stored
    assert masked is None or row["address"] == masked


def test_a_bare_webhooks_secret_is_shown_once(api: Api):
    hook = {"channel": "webhook", "address": "https://example.com/"}
    (made,) = api.post(PATH, hook)["subscriptions"]
    assert made["secret"].startswith("whsec_")
    assert api.post(PATH, hook)["subscriptions"] == [
        {key: value for key, value in made.items() if key != "secret"}
    ]


def test_another_publisher_cannot_replace_a_webhooks_secret_or_wake_it_up(api: Api, other: Api):
    hook = {"channel": "webhook", "address": "https://example.com/hook"}
    (mine,) = api.post(PATH, hook)["subscriptions"]
    Contact.objects.update(state="disabled", disabled_reason="dead_address")  # it answered 410
    other.post("topics", {"name": "theirs"}, status=201)
    known = "whsec_" + "QUFB" * 10
    theirs = other.post("topics/theirs/subscriptions", {**hook, "secret": known})
    assert theirs["subscriptions"][0]["secret"] == known
    assert endpoint_of("news") == ("disabled", mine["secret"])
    assert endpoint_of("theirs") == ("active", known)


def test_a_publisher_replaces_its_own_webhooks_secret_under_all_its_topics(api: Api):
    hook = {"channel": "webhook", "address": "https://example.com/hook"}
    api.post("topics", {"name": "sports"}, status=201)
    api.post(PATH, hook)
    new = "whsec_" + "QUFB" * 10
    api.post("topics/sports/subscriptions", {**hook, "secret": new})
    assert endpoint_of("news") == endpoint_of("sports") == ("active", new)


def endpoint_of(topic: str) -> tuple[str, str]:
    """The state and the secret of the topic's one bare endpoint."""
    contact = Contact.objects.get(subscriptions__topic__name=topic)
    return contact.state, vault.open_secret(bytes(contact.secret), bytes(contact.address_index))


def test_subscribing_again_gives_the_same_answer(api: Api):
    for requested in ({"user_id": "ada", "channels": ["push", "email"]}, EMAIL):
        first = api.post(PATH, requested)
        assert api.post(PATH, requested) == first
        assert api.post(PATH, {"subscriptions": [requested, requested]})["results"] == [
            {"index": index, "status": "subscribed", **first} for index in (0, 1)
        ]
    assert Subscription.objects.count() == 3


def test_who_left_is_active_again_under_the_same_id(api: Api):
    for requested in ({"user_id": "ada", "channels": ["email"]}, EMAIL):
        (made,) = api.post(PATH, requested)["subscriptions"]
        api.delete(f"{PATH}/{made['id']}")
        api.delete(f"{PATH}/{made['id']}")
        (row,) = api.get(PATH, state="unsubscribed")["data"]
        assert row["id"] == made["id"]
        assert api.post(PATH, requested)["subscriptions"] == [made]
        assert api.get(PATH, state="unsubscribed")["data"] == []


def test_a_pending_subscription_is_not_confirmed_by_asking_again(api: Api):
    api.post(PATH, EMAIL)
    Subscription.objects.update(state="pending")
    assert api.post(PATH, EMAIL)["subscriptions"][0]["state"] == "pending"


def test_bulk_gives_a_result_each_and_a_bad_one_does_not_cost_the_others(api: Api):
    results = api.post(
        PATH,
        {
            "subscriptions": [
                {"user_id": "ada", "channels": ["push", "inbox"]},
                {"user_id": "eve", "channels": ["push"]},
                EMAIL,
                {"channel": "email", "address": "nonsense"},
                {"user_id": "bob"},
                7,
                {"user_id": "bob", "channels": ["push"], "until": "x"},
            ]
        },
    )["results"]
    assert [result["index"] for result in results] == list(range(7))
    assert [result["status"] for result in results] == [
        "subscribed",
        "error",
        "subscribed",
        "error",
        "error",
        "error",
        "error",
    ]
    assert len(results[0]["subscriptions"]) == 2
    problems = [result["problem"] for result in results if result["status"] == "error"]
    assert [
        (problem["type"].rpartition("/")[2], problem["errors"][0]["pointer"])
        for problem in problems
    ] == [
        ("unknown-recipient", "/subscriptions/1/user_id"),
        ("invalid-request", "/subscriptions/3/address"),
        ("invalid-request", "/subscriptions/4/channels"),
        ("invalid-request", "/subscriptions/5"),
        ("unknown-field", "/subscriptions/6/until"),
    ]
    assert "'eve'" in problems[0]["detail"]
    assert "nonsense" not in str(problems)
    assert Subscription.objects.count() == 3


def test_bulk_takes_1000_and_no_more_and_is_fast(api: Api):
    api.post("recipients/bulk", {"recipients": [{"user_id": f"u{n}"} for n in range(1000)]})
    requests = [{"user_id": f"u{n}", "channels": ["push", "email"]} for n in range(1000)]
    problem = api.post(PATH, {"subscriptions": [*requests, EMAIL]}, status=400)
    assert problem["errors"][0]["pointer"] == "/subscriptions"
    with cheap(seconds=1, statements=30):
        api.post(PATH, {"subscriptions": requests})
    assert Subscription.objects.filter(state="active").count() == 2000


def test_an_unknown_recipient_is_named(api: Api):
    problem = api.post(PATH, {"user_id": "eve", "channels": ["push"]}, status=400)
    assert problem["type"] == "/problems/unknown-recipient"
    assert problem["errors"][0]["pointer"] == "/user_id"
    assert "'eve'" in problem["detail"]
    problem = api.post("topics/news/unsubscribe", {"user_id": "eve"}, status=400)
    assert problem["type"] == "/problems/unknown-recipient"


@pytest.mark.parametrize(
    ("requested", "pointers"),
    [
        ({}, [""]),
        ({"user_id": "ada", "channels": ["push"], "address": "x", "channel": "email"}, [""]),
        ({"user_id": "ada"}, ["/channels"]),
        ({"user_id": "ada", "channels": []}, ["/channels"]),
        ({"user_id": "ada", "channels": ["fax"]}, ["/channels/0"]),
        ({"user_id": "ada", "channels": ["sms"], "platform": "ios"}, ["/platform"]),
        ({"address": "a@example.com"}, ["/channel"]),
        ({"address": "ada", "channel": "inbox"}, ["/channel"]),
        ({"address": TOKEN, "channel": "push"}, ["/address"]),
        ({**EMAIL, "platform": "ios", "app": "x"}, ["/platform", "/app"]),
        ({**EMAIL, "channels": ["email"]}, ["/channels"]),
        ({**EMAIL, "secret": "whsec_" + "A" * 32}, ["/secret"]),
    ],
)
def test_what_a_subscription_cannot_be_is_pointed_at(
    api: Api, requested: dict, pointers: list[str]
):
    problem = api.post(PATH, requested, status=400)
    assert [error["pointer"] for error in problem["errors"]] == pointers


def test_the_list_is_filtered_and_paged(api: Api):
    api.post(PATH, {"user_id": "ada", "channels": ["push", "email", "inbox"]})
    api.post(PATH, {"user_id": "bob", "channels": ["push"]})
    api.post(PATH, EMAIL)
    api.post("topics/news/unsubscribe", {"user_id": "ada", "channels": ["push"]})
    assert len(api.get(PATH)["data"]) == 5
    assert [row["user_id"] for row in api.get(PATH, channel="push", state="active")["data"]] == [
        "bob"
    ]
    assert [row["user_id"] for row in api.get(PATH, state="unsubscribed")["data"]] == ["ada"]
    first = api.get(PATH, channel="email", limit="1")
    second = api.get(PATH, channel="email", limit="1", cursor=first["next"])
    assert [row["user_id"] for row in first["data"] + second["data"]] == ["ada", None]
    assert second["next"] is None
    for query in ({"state": "asleep"}, {"channel": "fax"}, {"user": "ada"}):
        problem = api.get(PATH, status=400, **query)
        assert [error["parameter"] for error in problem["errors"]] == list(query)


def test_a_page_is_one_query(api: Api, django_assert_num_queries):
    api.post(PATH, {"user_id": "ada", "channels": ["push", "email", "inbox"]})
    api.post(PATH, EMAIL)
    api.get(PATH)
    with django_assert_num_queries(1):
        api.get(PATH)


def test_a_recipient_leaves_one_channel_or_all(api: Api):
    api.post(PATH, {"user_id": "ada", "channels": ["push", "email", "inbox"]})
    api.post(PATH, {"user_id": "bob", "channels": ["push"]})
    leave = "topics/news/unsubscribe"
    # Left aside, it would end all of them.
    problem = api.post(leave, {"user_id": "ada", "channel": "push"}, status=400)
    assert problem["errors"] == [{"pointer": "/channel", "detail": "This goes with an address."}]
    problem = api.post(
        leave, {"channel": "sms", "address": "+12025550123", "channels": ["email"]}, status=400
    )
    assert problem["errors"] == [{"pointer": "/channels", "detail": "This goes with a user_id."}]
    assert api.post(leave, {"user_id": "ada", "channels": ["push"]}) == {"unsubscribed": 1}
    assert api.post(leave, {"user_id": "ada"}) == {"unsubscribed": 2}
    assert api.post(leave, {"user_id": "ada"}) == {"unsubscribed": 0}
    assert [row["user_id"] for row in api.get(PATH, state="active")["data"]] == ["bob"]


def test_a_bare_endpoint_leaves_by_its_address(api: Api):
    api.put("recipients/ada", {"contacts": [EMAIL]})
    api.post(PATH, {"user_id": "ada", "channels": ["email"]})
    api.post(PATH, EMAIL)
    leave = "topics/news/unsubscribe"
    shouted = {"channel": "email", "address": "news@EXAMPLE.com"}
    assert api.post(leave, shouted) == {"unsubscribed": 1}
    # The person of the same address subscribed in their own name.
    assert [row["user_id"] for row in api.get(PATH, state="active")["data"]] == ["ada"]
    for who in ({}, {"address": "x"}, {"user_id": "ada", **EMAIL}):
        api.post(leave, who, status=400)


def test_a_subscription_of_another_topic_is_not_found(api: Api, other: Api):
    other.post("topics", {"name": "theirs"}, status=201)
    (theirs,) = other.post("topics/theirs/subscriptions", EMAIL)["subscriptions"]
    api.delete(f"{PATH}/{theirs['id']}", status=404)
    assert other.get("topics/theirs/subscriptions")["data"][0]["state"] == "active"


def test_one_address_under_two_topics_is_one_contact(api: Api):
    api.post("topics", {"name": "sports"}, status=201)
    api.post(PATH, EMAIL)
    api.post("topics/sports/subscriptions", EMAIL)
    assert Contact.objects.filter(recipient=None).count() == 1
