"""Templates, groups, suppressions, limits and the rest, with both clients."""

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from apps.core.cache import ask_redis
from notifier.security.tokens import sign
from notifier_client import (
    REMOVE,
    AuthenticationError,
    Contact,
    DigestChoice,
    FrequencyCap,
    InboxClient,
    InvalidRequest,
    NotFound,
    NotifierClient,
    Preference,
    QuietWindow,
    Recipient,
    TemplateContent,
)
from tests.integration.client.conftest import Connect, work
from tests.support.publishers.awaited_client import AwaitingInbox

SECRET = "a secret of 32 bytes or more, for tests"


def test_a_template_is_made_previewed_versioned_and_published(client: NotifierClient) -> None:
    hello = TemplateContent(channel="inbox", locale="en", title="Hi", body="Hello {{ name }}")
    made = client.create_template("hello", [hello], default_locale="en", display_name="Hello")
    assert (made.version, made.contents[0].body) == (1, "Hello {{ name }}")
    assert client.preview_template("hello", "inbox", {"name": "Ada"}).body == "Hello Ada"
    servus = TemplateContent(channel="inbox", locale="en", title="Hi", body="Servus {{ name }}")
    assert client.add_template_version("hello", [servus], default_locale="en").version == 2
    assert client.get_template("hello").version == 2
    assert client.get_template("hello", version=1).contents[0].body == "Hello {{ name }}"
    assert {one.version for one in client.list_template_versions("hello")} == {1, 2}
    assert [one.name for one in client.list_templates()] == ["hello"]
    client.upsert_recipient("ada")
    posted = client.notify_users(
        ["ada"], template="hello", template_version=1, variables={"name": "Ada"}
    )
    work()
    assert client.wait(posted.id, 5).counts == {"inbox": {"delivered": 1}}
    with pytest.raises(InvalidRequest) as missing:
        client.notify_users(["ada"], template="hello", variables={})
    assert "name" in f"{missing.value.detail} {missing.value.errors}"
    client.delete_template("hello")
    with pytest.raises(NotFound):
        client.get_template("hello")


def test_what_is_published_with_a_digest_is_told_together(client: NotifierClient) -> None:
    hourly = DigestChoice("hourly", category="comments")
    assert client.put_category("comments", digest={"window": 60}).digest == {"window": 60}
    assert client.upsert_recipient("ada", email="ada@example.com", digests=[hourly]).digests == (
        hourly,
    )
    asked = {"key": "post-7", "window": 60}
    posted = client.notify_users(["ada"], body="Hi", channels=["email"], digest=asked)
    work()
    assert client.get_notification(posted.id).digest == asked
    [delivery] = client.deliveries(posted.id)
    assert delivery.reason == "digest" and delivery.told_in is not None
    assert delivery.told_in.startswith("dlv_")
    assert client.put_category("comments", digest=None).digest is None


def test_caps_are_set_for_a_category_and_a_person(client: NotifierClient) -> None:
    weekly = FrequencyCap("inbox", 1, "week")
    assert client.put_category("offers", frequency_caps=[weekly]).frequency_caps == (weekly,)
    daily = FrequencyCap("inbox", 20, "day", category="offers")
    assert client.upsert_recipient("ada", frequency_caps=[daily]).frequency_caps == (daily,)
    assert client.get_recipient("ada").frequency_caps == (daily,)
    first, second = (client.notify_users(["ada"], body="Hi", category="offers") for _ in range(2))
    work()
    states = {client.wait(one.id, 5).count("suppressed") for one in (first, second)}
    assert states == {0, 1}
    ask_redis(lambda redis: redis.flushall())


def test_a_dry_run_and_those_whom_it_did_not_reach(client: NotifierClient) -> None:
    client.create_topic("news")
    client.upsert_recipient("ada")
    client.upsert_recipient("bob", preferences=[Preference(False, category="default")])
    for name in ("ada", "bob"):
        client.subscribe("news", user_id=name, channels=["inbox"])
    client.put_group("staff")
    client.add_members("staff", ["ada", "bob"])
    message: dict[str, Any] = {"body": "Hi", "channels": ["inbox"]}
    for found in (
        client.dry_run_publish("news", **message),
        client.dry_run_group("staff", **message),
        client.dry_run_users(["ada", "bob"], **message),
    ):
        assert (found.exact, found.channels["inbox"].now) == (True, 1)
        assert found.channels["inbox"].not_sent == {"preference": 1}
    posted = client.publish("news", **message)
    work()
    audience = {"not_reached_by": posted.id}
    assert client.dry_run_users(audience=audience, body="Hi").channels["inbox"].now == 0
    again = client.notify_unreached(posted.id, body="Hi", states=["suppressed"])
    work()
    assert client.wait(again.id, 5).counts == {"inbox": {"suppressed": 1}}


def test_a_category_is_kept_refused_and_deleted(client: NotifierClient) -> None:
    made = client.put_category(
        "offers", kind="promotional", display_name={"en": "Offers"}, defaults={"sms": False}
    )
    assert (made.name, made.kind, made.defaults) == ("offers", "promotional", {"sms": False})
    assert client.put_category("offers", position=3).position == 3
    assert client.get_category("offers").display_name == {"en": "Offers"}
    assert "offers" in {one.name for one in client.list_categories()}
    client.upsert_recipient("ada", name="Ada", attributes={"city": "Vienna"})
    person = client.get_recipient("ada")
    assert (person.name, person.attributes) == ("Ada", {"city": "Vienna"})
    client.change_preferences("ada", [Preference(False, category="offers")])
    posted = client.notify_users(["ada"], body="Cheap", category="offers")
    work()
    done = client.wait(posted.id, 5)
    assert (done.category, dict(done.counts)) == ("offers", {"inbox": {"suppressed": 1}})
    [delivery] = client.deliveries(posted.id)
    assert delivery.reason_text == "they refuse “Offers”"
    hello = TemplateContent(channel="inbox", locale="en", title="Hi", body="Hello")
    made = client.create_template("hi", [hello], default_locale="en", category="offers")
    assert made.category == "offers"
    again = client.add_template_version("hi", [hello], default_locale="en", category="")
    assert again.category == ""
    client.delete_template("hi")
    client.delete_category("offers")
    with pytest.raises(NotFound):
        client.get_category("offers")


def test_a_group_is_filled_notified_and_emptied(client: NotifierClient) -> None:
    for user_id in ("ada", "bo"):
        client.upsert_recipient(user_id)
    assert client.put_group("on-call", display_name="On call").display_name == "On call"
    assert client.put_group("on-call").display_name == "On call"
    added = client.add_members("on-call", ["ada", "bo", "nobody"])
    assert (added.added, added.already, added.unknown) == (2, 0, ("nobody",))
    assert {member.user_id for member in client.list_members("on-call")} == {"ada", "bo"}
    posted = client.notify_group("on-call", body="Wake up")
    assert client.get_notification(posted.id).group == "on-call"
    work()
    work()
    assert client.wait(posted.id, 5).counts == {"inbox": {"delivered": 2}}
    assert client.remove_members("on-call", ["bo"]).removed == 1
    assert [group.name for group in client.list_groups()] == ["on-call"]
    assert client.get_group("on-call").name == "on-call"
    client.delete_group("on-call")
    assert list(client.list_groups()) == []


def test_a_suppression_is_added_found_and_lifted(client: NotifierClient) -> None:
    made = client.suppress("email", "ada@example.com")
    assert (made.channel, made.reason) == ("email", "manual")
    assert "ada@" not in made.address
    [found] = client.list_suppressions(channel="email", address="ada@example.com")
    assert found == made
    client.lift_suppression(made.id)
    assert list(client.list_suppressions()) == []


def test_devices_and_contacts_are_listed_and_removed(client: NotifierClient) -> None:
    client.upsert_recipient("ada", contacts=[Contact("email", "ada@example.com")])
    device = client.add_device("ada", "android", "token-of-an-android-phone")
    assert [one.user_id for one in client.list_recipients()] == ["ada"]
    assert [one.id for one in client.list_devices("ada")] == [device.id]
    assert device.id is not None
    client.remove_device("ada", device.id)
    assert [one.state for one in client.list_devices("ada") if one.state == "active"] == []
    [email] = [one for one in client.list_contacts("ada") if one.channel == "email"]
    assert email.id is not None
    client.remove_contact("ada", email.id)
    left = [one for one in client.list_contacts("ada") if one.channel == "email"]
    assert [one for one in left if one.state == "active"] == []


def test_an_address_is_replaced_found_and_removed(client: NotifierClient) -> None:
    client.upsert_recipient("ada", email="old@example.com", phone="+12025550123")
    ada = client.upsert_recipient("ada", email="Ada@example.com")
    assert [one.channel for one in ada.contacts] == ["sms", "email"]
    email = client.find_contact("ada", "email", "ada@EXAMPLE.com")
    assert email in ada.contacts and email.fingerprint
    posted = client.notify_users(["ada"], body="Hello.", channels=["email"])
    work()
    assert [one.contact_id for one in client.deliveries(posted.id)] == [email.id]
    client.remove_address("ada", "email", "ada@example.com")
    with pytest.raises(NotFound):
        client.find_contact("ada", "email", "ada@example.com")
    [result] = client.upsert_recipients([Recipient("ada", phone=REMOVE)])
    assert result.status == "updated"
    assert client.list_contacts("ada") == []
    token = "token-of-an-android-phone"
    client.add_device("ada", "android", token)
    client.remove_token("ada", "android", token)
    assert client.list_devices("ada") == []


def test_preferences_are_changed_one_at_a_time(client: NotifierClient) -> None:
    client.upsert_recipient("ada")
    client.set_preferences("ada", [Preference(True, channel="sms")])
    client.change_preferences("ada", [Preference(False, channel="email")])
    assert {one.channel for one in client.get_preferences("ada")} == {"sms", "email"}
    client.change_preferences("ada", [Preference(None, channel="sms")])
    assert [one.channel for one in client.get_preferences("ada")] == ["email"]


def test_quiet_hours_are_set_and_removed(client: NotifierClient) -> None:
    client.upsert_recipient("ada", time_zone="Asia/Kolkata")
    nights = QuietWindow(("mon", "tue"), "22:00", "07:00")
    written = client.set_quiet_hours("ada", [nights], channels=["sms", "email"])
    assert (written.windows, written.channels) == ((nights,), ("sms", "email"))
    assert client.get_quiet_hours("ada") == written
    assert (written.source, written.time_zone) == ("own", "Asia/Kolkata")
    client.remove_quiet_hours("ada")
    assert client.get_quiet_hours("ada").source == "company"
    with pytest.raises(InvalidRequest):
        client.set_quiet_hours("ada", [QuietWindow(["monday"], "22:00", "07:00")])


def test_a_notification_is_sent_at_a_local_time(client: NotifierClient) -> None:
    client.upsert_recipient("ada", time_zone="Asia/Kolkata")
    wall = f"{datetime.now() + timedelta(days=3):%Y-%m-%d}T09:00"
    posted = client.notify_users(["ada"], body="Hi", send_at_local=wall, local_time_passed="skip")
    assert posted.state == "scheduled"
    found = client.get_notification(posted.id)
    assert (found.send_at_local, found.local_time_passed) == (f"{wall}:00", "skip")
    assert client.cancel(posted.id).state == "cancelled"


def test_a_pending_subscription_is_asked_again_only_after_a_while(client: NotifierClient) -> None:
    client.create_topic("news", requires_confirmation=True)
    [pending] = client.subscribe("news", channel="email", address="ada@example.com")
    assert pending.state == "pending"
    with pytest.raises(InvalidRequest) as forged:
        client.confirm("forged")
    assert forged.value.status == 400
    client.delete_subscription("news", pending.id)
    assert list(client.list_subscriptions("news", state="pending")) == []


def test_keys_are_made_rotated_listed_and_revoked(connect: Connect) -> None:
    client = connect()
    made = client.create_api_key(["topics:read"], name="reader")
    assert made.key is not None and made.key.startswith("ntf_")
    rotated = client.rotate_api_key(made.prefix, grace_seconds=60)
    assert rotated.key != made.key
    client.revoke_api_key(rotated.prefix)
    keys = {one.prefix: one for one in client.list_api_keys()}
    assert keys[rotated.prefix].revoked_at is not None
    assert keys[made.prefix].revoked_at is None


def test_usage_statistics_and_the_audit_trail_can_be_read(client: NotifierClient) -> None:
    client.upsert_recipient("ada")
    client.create_topic("news")
    client.subscribe("news", user_id="ada", channels=["inbox"])
    posted = client.publish("news", body="Today")
    work()
    work()
    client.wait(posted.id, 5)
    usage = client.usage()
    assert usage.quota.used == 1 < usage.quota.per_day
    assert usage.requests.per_second > 0
    statistics = client.topic_statistics("news", since=datetime.now(UTC) - timedelta(hours=2))
    assert (statistics.now.sent, statistics.now.waiting) == (1, 0)
    assert sum(hour.sent for hour in statistics.hours) == 1
    [event] = client.list_audit_events(object_type="topic")
    assert (event.action, event.object_name) == ("create", "news")


def test_a_status_webhook_is_made_changed_and_deleted(client: NotifierClient) -> None:
    made = client.create_status_webhook("https://shop.example.com/hooks", ["dead", "failed"])
    assert made.secret is not None and made.secret.startswith("whsec_")
    assert (made.url, made.events, made.state) == (
        "https://shop.example.com/•••",
        ("failed", "dead"),
        "active",
    )
    assert client.update_status_webhook(made.id, ["bounced"]).events == ("bounced",)
    found = client.get_status_webhook(made.id)
    assert (found.events, found.secret) == (("bounced",), None)
    assert list(client.list_status_webhooks()) == [found]
    with pytest.raises(InvalidRequest) as wrong:
        client.create_status_webhook("https://shop.example.com/hooks", ["sending"])
    assert "bounced" in str(wrong.value.errors)
    client.delete_status_webhook(made.id)
    assert list(client.list_status_webhooks()) == []


# -- The inbox --------------------------------------------------------------------------------


@pytest.fixture
def inbox(client: NotifierClient, live_server: Any, settings: Any) -> Iterator[InboxClient]:
    """Ada's inbox, by a client of the same kind as ``client``."""
    settings.INBOX_TOKENS = {**settings.INBOX_TOKENS, "secret": SECRET}
    kind = InboxClient if isinstance(client, NotifierClient) else AwaitingInbox
    token = sign({"sub": "ada", "iat": int(time.time()), "exp": int(time.time()) + 60}, SECRET)
    with kind(live_server.url, token, retry_for=5) as inbox:
        yield inbox


def test_a_person_chooses_language_zone_and_categories(
    client: NotifierClient, inbox: InboxClient
) -> None:
    client.upsert_recipient("ada", name="Ada", locale="de")
    client.put_category("offers", display_name={"en": "Offers", "de": "Angebote"})
    assert inbox.me().name == "Ada"
    changed = inbox.change_me(time_zone="Europe/Vienna")
    assert (changed.locale, changed.time_zone) == ("de", "Europe/Vienna")
    less = FrequencyCap("push", 2, "day", category="offers")
    assert inbox.change_me(frequency_caps=[less]).frequency_caps == (less,)
    assert inbox.change_me(frequency_caps=[]).frequency_caps == ()
    daily = DigestChoice("daily")
    assert inbox.change_me(digests=[daily]).digests == (daily,) == inbox.me().digests
    inbox.set_preferences([Preference(False, category="offers", channel="sms")])
    [offers] = [one for one in inbox.categories() if one.name == "offers"]
    assert offers.display_name == "Angebote"
    assert (offers.channels["sms"], offers.channels["email"]) == (False, True)
    nights = QuietWindow(("sun",), "22:00", "07:00")
    assert inbox.set_quiet_hours([nights]).windows == (nights,)
    assert inbox.get_quiet_hours().channels == ("push", "sms")
    inbox.remove_quiet_hours()
    assert inbox.get_quiet_hours().source == "company"


def test_a_person_chooses_about_topics_and_leaves_everything(
    client: NotifierClient, inbox: InboxClient
) -> None:
    client.upsert_recipient("ada", contacts=[Contact("email", "ada@example.com")])
    client.create_topic("orders", display_name="Your orders")
    client.subscribe("orders", user_id="ada", channels=["email", "inbox"])
    assert inbox.me().channels == ("email", "inbox")
    no_mails = Preference(False, channel="email", topic="orders")
    assert inbox.change_preferences([no_mails]) == [no_mails]
    [orders] = inbox.topics()
    assert (orders.display_name, orders.always_sent) == ("Your orders", False)
    assert orders.channels == {"email": False, "inbox": True}
    assert inbox.change_preferences([Preference(None, channel="email", topic="orders")]) == []
    assert inbox.leave_everything() == [Preference(False)]
    [orders] = inbox.topics()
    assert not any(orders.channels.values())


def test_what_is_beside_a_template_is_in_the_inbox(
    client: NotifierClient, inbox: InboxClient
) -> None:
    client.upsert_recipient("ada")
    hello = TemplateContent(channel="inbox", locale="en", title="Hi {{ name }}")
    client.create_template("hello", [hello], default_locale="en")
    client.notify_users(
        ["ada"], template="hello", variables={"name": "Ada"}, severity="warning", source="billing"
    )
    work()
    [item] = inbox.items()
    assert (item.title, item.severity, item.source) == ("Hi Ada", "warning", "billing")
    assert item.display_type == "inbox"


def test_a_person_reads_marks_and_deletes(client: NotifierClient, inbox: InboxClient) -> None:
    client.upsert_recipient("ada")
    client.notify_users(["ada"], title="One", body="1", severity="warning", source="billing")
    client.notify_users(["ada"], title="Two", body="2", actions={"See": "https://example.com"})
    work()
    assert inbox.unread() == 2
    two, one = inbox.items()
    assert (one.title, one.severity, one.source) == ("One", "warning", "billing")
    assert (two.title, two.display_type, two.actions) == (
        "Two",
        "inbox",
        {"See": "https://example.com"},
    )
    assert [item.title for item in inbox.items(severity="warning")] == ["One"]
    marked = inbox.mark("read", [one.id, 10**9])
    assert (marked.changed, marked.unknown) == (1, (10**9,))
    assert [item.title for item in inbox.items(status="unread")] == ["Two"]
    inbox.delete(two.id)
    assert inbox.mark("acknowledged").changed == 1
    assert [item.status for item in inbox.items()] == ["acknowledged"]


def test_a_key_opens_no_inbox(client: NotifierClient, live_server: Any, settings: Any) -> None:
    settings.INBOX_TOKENS = {**settings.INBOX_TOKENS, "secret": SECRET}
    with InboxClient(live_server.url, "ntf_k_key") as stranger:
        with pytest.raises(AuthenticationError):
            stranger.unread()
