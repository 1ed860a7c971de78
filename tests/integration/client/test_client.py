"""The client against the API itself: a live server, a real database and a real Redis."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from apps.publishers.scopes import Scope
from notifier_client import (
    AuthenticationError,
    Conflict,
    Contact,
    Device,
    Draft,
    InvalidRequest,
    NotAllowed,
    NotFound,
    NotifierClient,
    Preference,
    Recipient,
    StillSending,
    Subscriber,
)
from stack.supervision.process import PATIENCE
from tests.integration.client.conftest import Connect, work

IOS, ANDROID = "a" * 64, "token-of-an-android-phone"


def test_a_notification_is_posted_waited_for_and_read(client: NotifierClient) -> None:
    client.upsert_recipient("ada")
    posted = client.notify_users(["ada"], title="Hi", actions={"See": "https://example.com"})
    assert (posted.state, posted.channels, posted.replayed) == ("accepted", ("inbox",), False)
    with pytest.raises(StillSending, match=posted.id):
        client.wait(posted.id, timeout=0.1)
    work()
    done = client.wait(posted.id, timeout=PATIENCE)
    assert done.counts == {"inbox": {"delivered": 1}}
    [delivery] = client.deliveries(posted.id, state="delivered", channel="inbox")
    assert (delivery.user_id, delivery.address, delivery.provider) == ("ada", "ada", "inbox")
    [attempt] = delivery.attempts
    assert (attempt.number, attempt.outcome) == (1, "accepted")
    assert attempt.started_at >= posted.created_at
    assert list(client.deliveries(posted.id, state="failed")) == []
    assert [one.id for one in client.list_notifications()] == [posted.id]


def test_a_topic_is_published_to_everybody_who_subscribed(client: NotifierClient) -> None:
    client.create_topic("news", default_priority="low")
    client.upsert_recipients([Recipient("ada"), Recipient("bo")])
    client.subscribe("news", user_id="ada", channels=["inbox"])
    posted = client.publish("news", body="Today")
    assert posted.priority == "low"
    work()  # cut
    work()  # deliver
    assert [one.user_id for one in client.deliveries(posted.id)] == ["ada"]


def test_a_used_idempotency_key_gives_the_first_answer_or_a_mismatch(
    client: NotifierClient,
) -> None:
    client.upsert_recipient("ada")
    first = client.notify_users(["ada"], body="1", idempotency_key="order-7")
    again = client.notify_users(["ada"], body="1", idempotency_key="order-7")
    assert (again.id, first.replayed, again.replayed) == (first.id, False, True)
    with pytest.raises(InvalidRequest) as raised:
        client.notify_users(["ada"], body="2", idempotency_key="order-7")
    assert (raised.value.status, raised.value.type) == (422, "idempotency-mismatch")


def test_each_of_a_batch_has_its_own_result(client: NotifierClient) -> None:
    client.upsert_recipient("ada")
    good, bad = client.notify_batch(
        [Draft(user_ids=["ada"], body="1"), Draft(user_ids=["nobody"], body="2")]
    )
    assert (good.index, good.status, good.problem) == (0, "accepted", None)
    assert good.notification is not None
    assert good.notification.state == "accepted"
    assert (bad.index, bad.status, bad.notification) == (1, "error", None)
    assert isinstance(bad.problem, InvalidRequest)
    assert bad.problem.type == "unknown-recipient"
    assert bad.problem.problem["user_ids"] == ["nobody"]


def test_what_is_scheduled_can_be_cancelled(client: NotifierClient) -> None:
    client.upsert_recipient("ada")
    later = datetime.now(UTC) + timedelta(hours=1)
    posted = client.notify_users(
        ["ada"], body="1", send_at=later, expires_at=later + timedelta(hours=1)
    )
    assert (posted.state, posted.send_at) == ("scheduled", later)
    cancelled = client.cancel(posted.id)
    assert cancelled.state == "cancelled"
    assert cancelled.cancelled_at is not None
    assert client.wait(posted.id, timeout=PATIENCE).done


def test_a_topic_is_created_changed_listed_and_deleted(client: NotifierClient) -> None:
    made = client.create_topic("news", display_name="News", mandatory=True)
    assert (made.owner, made.mandatory, made.retry_policy) == ("shop", True, None)
    with pytest.raises(Conflict) as raised:
        client.create_topic("news")
    assert raised.value.type == "topic-exists"
    client.update_topic("news", retry_policy={"schedule": [5]}, mandatory=False)
    changed = client.get_topic("news")
    whole = {"schedule": [5], "attempts": 2, "after_last": "dead_letter"}
    assert (changed.mandatory, changed.retry_policy) == (False, whole)
    assert [topic.name for topic in client.list_topics()] == ["news"]
    client.delete_topic("news")
    with pytest.raises(NotFound):
        client.get_topic("news")


def test_a_grant_lets_another_publisher_publish_until_it_is_revoked(connect: Connect) -> None:
    shop, billing = connect("shop"), connect("billing")
    shop.create_topic("news")
    with pytest.raises(NotFound):
        billing.publish("news", body="1")
    shop.grant("news", "billing")
    assert shop.get_topic("news").granted_to == ("billing",)
    assert billing.publish("news", body="1").state == "accepted"
    with pytest.raises(NotAllowed):
        billing.update_topic("news", category="other")
    shop.revoke("news", "billing")
    with pytest.raises(NotFound):
        billing.publish("news", body="2")


def test_subscriptions_are_made_listed_over_pages_and_ended(client: NotifierClient) -> None:
    client.create_topic("news")
    people = [f"user-{number}" for number in range(1001)]
    written = client.upsert_recipients(Recipient(user_id) for user_id in people)
    assert [(one.index, one.status) for one in written] == [(n, "created") for n in range(1001)]
    wanted = [Subscriber(user_id=user_id, channels=["inbox"]) for user_id in [*people, "nobody"]]
    joined = client.subscribe_many("news", wanted)
    assert [one.status for one in joined] == ["subscribed"] * 1001 + ["error"]
    assert joined[-1].index == 1001
    assert isinstance(joined[-1].problem, InvalidRequest)
    [endpoint] = client.subscribe("news", channel="email", address="desk@example.com")
    assert endpoint.channel == "email"
    listed = [one.user_id for one in client.list_subscriptions("news", channel="inbox")]
    assert sorted(listed) == sorted(people), "each on one page and no other"
    assert client.unsubscribe("news", channel="email", address="desk@example.com") == 1
    assert client.unsubscribe("news", user_id="user-0") == 1
    assert client.unsubscribe("news", user_id="user-0") == 0
    left = client.list_subscriptions("news", state="unsubscribed")
    assert {one.user_id or one.address for one in left} == {"user-0", "d•••@example.com"}


def test_a_recipient_has_devices_contacts_and_preferences(client: NotifierClient) -> None:
    client.create_topic("news")
    ada = client.upsert_recipient(
        "ada",
        locale="de-AT",
        time_zone="Europe/Vienna",
        devices=[Device("ios", IOS, app="com.example.app")],
        contacts=[Contact("webhook", "https://example.com/hook")],
        preferences=[Preference(True, category="marketing")],
    )
    assert (ada.locale, ada.devices[0].platform, ada.devices[0].state) == ("de-AT", "ios", "active")
    assert ada.devices[0].token != IOS, "masked"
    assert ada.secrets[0]["secret"].startswith("whsec_")
    device = client.add_device("ada", "android", ANDROID, last_active_at=datetime.now(UTC))
    contact = client.add_contact("ada", "email", "ada@example.com")
    found = client.get_recipient("ada")
    assert {one.id for one in found.devices} == {ada.devices[0].id, device.id}
    assert contact.id in {one.id for one in found.contacts}
    assert client.get_preferences("ada") == [Preference(True, category="marketing")]
    requested = Preference(True, channel="push", topic="news")
    assert client.set_preferences("ada", [requested]) == [requested]


def test_errors_say_what_is_wrong_and_where(connect: Connect, live_server: Any) -> None:
    client, reader = connect(), connect("reader", [Scope.TOPICS_READ])
    with NotifierClient(live_server.url, "ntf_nonsense") as stranger:
        with pytest.raises(AuthenticationError):
            stranger.get_topic("news")
    with pytest.raises(NotAllowed) as missing:
        reader.create_topic("news")
    assert missing.value.type == "missing-scope"
    with pytest.raises(InvalidRequest) as unknown:
        client.create_topic("news", colour="red")
    assert unknown.value.type == "unknown-field"
    assert [one["pointer"] for one in unknown.value.errors] == ["/colour"]
    with pytest.raises(NotFound):
        client.get_notification("00000000-0000-7000-8000-000000000000")
