"""Deliveries from a publish to their final state, with the sandbox for providers."""

import time

import pytest

from apps.delivery.models import Delivery
from apps.delivery.sending import process
from apps.delivery.state import cancellation
from apps.preferences.models import Contact, DirectoryChange, Preference, Suppression
from apps.topics.models import Subscription
from notifier.dispatch import dispatcher
from tests.support.deliveries.workers import begin, cut
from tests.support.publishers.people import contact, recipient, subscribe
from tests.support.publishers.shop import delivery_of, outcome

HELLO = {"title": "Hello", "body": "There"}


def notify(shop, user_id, *channels, **fields):
    body = {"user_id": user_id, "channels": list(channels), "content": HELLO, **fields}
    return shop.post("notifications", body)


# -- What is not sent -------------------------------------------------------------------------


def test_a_refused_topic_is_suppressed_with_the_reason(shop, work):
    topic = shop.topic()
    ada = recipient("ada")
    subscribe(topic, ada, "inbox")
    Preference.objects.create(recipient=ada, topic_id=topic.pk, allowed=False)
    assert outcome(shop, work, topic) == ("suppressed", "preference")


def test_a_refused_category_is_suppressed_unless_the_topic_itself_is_wanted(shop, work):
    topic = shop.topic(category="marketing")
    ada = recipient("ada")
    subscribe(topic, ada, "inbox")
    Preference.objects.create(recipient=ada, category="marketing", allowed=False)
    assert outcome(shop, work, topic) == ("suppressed", "preference")
    Preference.objects.create(recipient=ada, topic_id=topic.pk, allowed=True)
    assert outcome(shop, work, topic) == ("delivered", "")


def test_a_refused_channel_is_suppressed_unless_wanted_for_the_topic(shop, work):
    topic = shop.topic()
    ada = recipient("ada")
    subscribe(topic, ada, "inbox")
    Preference.objects.create(recipient=ada, channel="inbox", allowed=False)
    assert outcome(shop, work, topic) == ("suppressed", "preference")
    Preference.objects.create(recipient=ada, channel="inbox", topic_id=topic.pk, allowed=True)
    assert outcome(shop, work, topic) == ("delivered", "")


def test_a_mandatory_topic_cannot_be_refused(shop, work):
    topic = shop.topic(mandatory=True)
    ada = recipient("ada")
    subscribe(topic, ada, "inbox")
    Preference.objects.create(recipient=ada, allowed=False)
    assert outcome(shop, work, topic) == ("delivered", "")


def test_a_suppressed_address_gets_nothing_even_from_a_mandatory_topic(shop, work):
    topic = shop.topic(mandatory=True)
    ada = recipient("ada")
    subscribe(topic, ada, "inbox")
    index = Contact.objects.get(recipient=ada).address_index
    Suppression.objects.create(channel="inbox", address_index=index, reason="hard_bounce")
    assert outcome(shop, work, topic) == ("suppressed", "hard_bounce")


def test_a_person_without_an_address_on_the_channel_is_accounted_for(shop, work):
    recipient("ada")
    posted = notify(shop, "ada", "sms")
    work()
    assert delivery_of(shop, posted)["reason"] == "no_address"
    assert shop.counts(posted) == {"sms": {"suppressed": 1}}


def test_somebody_who_unsubscribed_gets_nothing(shop, work):
    topic = shop.topic()
    subscribe(topic, recipient("ada"), "inbox")
    Subscription.objects.update(state="unsubscribed")
    posted = shop.post("topics/news/publish", {"content": HELLO})
    work()
    assert shop.counts(posted) == {}


def test_what_expired_before_it_could_be_sent_is_not_sent(shop, work, execute):
    recipient("ada")
    posted = notify(shop, "ada", "inbox", expires_at="2040-01-01T00:00:00Z")
    execute("UPDATE delivery_notification SET expires_at = now() - interval '1 second'")
    work()
    assert shop.counts(posted) == {"inbox": {"expired": 1}}


def test_a_cancelled_notification_is_not_sent(shop, work):
    recipient("ada")
    posted = notify(shop, "ada", "inbox")
    cancelled = shop.post(f"notifications/{posted['id']}/cancel", None, status=200)
    assert cancelled["state"] == "cancelled" and cancelled["cancelled_at"]
    work()
    assert shop.counts(posted) == {}


def test_what_is_done_stays_done_after_a_cancel(shop, work):
    recipient("ada")
    posted = notify(shop, "ada", "inbox")
    work()
    kept = shop.post(f"notifications/{posted['id']}/cancel", None, status=200)
    assert (kept["state"], kept["cancelled_at"]) == ("done", None)
    assert shop.counts(posted) == {"inbox": {"delivered": 1}}


def test_cancelling_stops_a_waiting_retry_and_twice_changes_nothing(shop, work, wake, providers):
    recipient("ada", sms="+4366012345678")
    providers.client.behave("twilio", "500")
    posted = notify(shop, "ada", "sms")
    work()
    assert shop.counts(posted) == {"sms": {"retrying": 1}}
    for _ in range(2):
        shop.post(f"notifications/{posted['id']}/cancel", None, status=200)
    providers.client.heal()
    wake()
    work()
    assert shop.counts(posted) == {"sms": {"cancelled": 1}}
    assert providers.client.counts()["twilio"]["accepted"] == 0


# -- What is sent -----------------------------------------------------------------------------


def test_every_channel_reaches_its_provider_and_the_counts_agree(shop, work, providers):
    topic = shop.topic()
    for n in range(4):
        person = recipient(
            f"u{n}",
            push_ios=f"{n:064x}",
            push_android=f"android-token-{n:04d}-" + "x" * 100,
            sms=f"+4366012345{n:02d}",
            email=f"u{n}@example.com",
        )
        subscribe(topic, person, "push", "sms", "email", "inbox")
    guest = contact("email", "guest@example.com", publisher_id=shop.id)
    Subscription.objects.create(topic=topic, channel="email", contact=guest)
    posted = shop.post("topics/news/publish", {"content": HELLO})
    work()
    assert shop.counts(posted) == {
        "push": {"accepted": 8},
        "sms": {"accepted": 4},
        "email": {"accepted": 5},
        "inbox": {"delivered": 4},
    }
    received = providers.client.counts()
    accepted = {name: received[name]["accepted"] for name in ("fcm", "apns", "twilio")}
    assert accepted == {"fcm": 4, "apns": 4, "twilio": 4}
    assert received["sendgrid"]["deliveries"] == 5


def test_a_server_error_is_tried_again_until_it_heals(shop, work, wake, providers):
    recipient("ada", sms="+4366012345678")
    providers.client.behave("twilio", "500", times=2)
    posted = notify(shop, "ada", "sms")
    for _ in range(2):
        work()
        assert shop.counts(posted) == {"sms": {"retrying": 1}}
        wake()
    work()
    row = delivery_of(shop, posted)
    assert row["state"] == "accepted" and row["provider_message_id"].startswith("SM")
    assert [a["outcome"] for a in row["attempts"]] == ["retry", "retry", "accepted"]
    assert [a["number"] for a in row["attempts"]] == [1, 2, 3]
    assert shop.counts(posted) == {"sms": {"accepted": 1}}


def test_retry_after_is_honoured(shop, work, providers):
    recipient("ada", sms="+4366012345678")
    providers.client.behave("twilio", "429", retry_after=120)
    posted = notify(shop, "ada", "sms")
    before = time.time()
    work()
    waits = Delivery.objects.get().next_attempt_at.timestamp() - before
    assert 119 <= waits <= 150
    assert delivery_of(shop, posted)["reason"] == "rate_limited"


def test_out_of_attempts_is_a_dead_letter(shop, work, wake, providers, settings):
    settings.RETRY_SCHEDULES = {**settings.RETRY_SCHEDULES, "sms": (1.0,)}
    recipient("ada", sms="+4366012345678")
    providers.client.behave("twilio", "500")
    posted = notify(shop, "ada", "sms")
    work()
    wake()
    work()
    row = delivery_of(shop, posted)
    assert (row["state"], row["reason"], len(row["attempts"])) == ("dead", "provider_error", 2)
    assert shop.get(f"notifications/{posted['id']}")["state"] == "done"


def test_a_topics_own_retry_policy_is_used(shop, work, wake, providers):
    topic = shop.topic(retry_policy={"schedule": []})
    subscribe(topic, recipient("ada", sms="+4366012345678"), "sms")
    providers.client.behave("twilio", "500")
    assert outcome(shop, work, topic) == ("dead", "provider_error")


def test_a_dead_token_disables_the_device_and_the_others_still_get_it(shop, work, providers):
    ada = recipient("ada", push_android="good-" + "x" * 120)
    dead = contact("push", "dead-one-" + "y" * 120, platform="android", recipient=ada)
    providers.client.behave("fcm", "dead", address="dead-one-" + "y" * 120)
    posted = notify(shop, "ada", "push")
    work()
    assert shop.counts(posted) == {"push": {"accepted": 1, "failed": 1}}
    dead.refresh_from_db()
    assert (dead.state, dead.disabled_reason) == ("disabled", "dead_address")
    told = DirectoryChange.objects.order_by("id").values_list("actor_kind", "actor", "change")
    assert list(told) == [
        ("provider", "fcm", "contact_disabled"),
        ("provider", "fcm", "suppressed"),
    ]
    assert {row.recipient_id for row in DirectoryChange.objects.all()} == {ada.pk, None}
    again = notify(shop, "ada", "push")
    work()
    assert shop.counts(again) == {"push": {"accepted": 1}}


def test_a_timeout_after_writing_is_unknown_for_normal_sms_and_not_sent_twice(
    shop, work, wake, providers
):
    recipient("ada", sms="+4366012345678")
    providers.client.behave("twilio", "timeout", times=1)
    posted = notify(shop, "ada", "sms")
    work()
    wake()
    work()
    row = delivery_of(shop, posted)
    assert (row["state"], row["reason"]) == ("unknown", "timeout")
    assert providers.client.counts()["twilio"]["accepted"] == 1


def test_a_timeout_of_a_one_time_password_is_sent_again(shop, work, wake, providers):
    recipient("ada", sms="+4366012345678")
    providers.client.behave("twilio", "timeout", times=1)
    posted = notify(shop, "ada", "sms", priority="high")
    work()
    wake()
    work()
    assert shop.counts(posted) == {"sms": {"accepted": 1}}


def test_one_slow_answer_does_not_keep_the_others_off_the_record(shop, providers):
    topic = shop.topic()
    slow = "slow-one-" + "x" * 120
    for n, token in enumerate([slow, *(f"token-{n}-" + "x" * 120 for n in range(5))]):
        subscribe(topic, recipient(f"u{n}", push_android=token), "push")
    providers.client.behave("fcm", "timeout", address=slow)
    posted = shop.post("topics/news/publish", {"content": HELLO, "channels": ["push"]})
    cut()
    original, dispatcher.HAND_OVER_SECONDS = dispatcher.HAND_OVER_SECONDS, 0.5
    try:
        begin("push")
        deadline = time.monotonic() + 1.8
        while time.monotonic() < deadline:
            if shop.counts(posted).get("push", {}).get("accepted") == 5:
                break
            time.sleep(0.05)
        assert shop.counts(posted)["push"] == {"accepted": 5, "sending": 1}
    finally:
        dispatcher.HAND_OVER_SECONDS = original
        assert process.worker().join(20)
    assert shop.counts(posted)["push"] == {"accepted": 5, "retrying": 1}


def test_content_and_addresses_are_unreadable_in_the_tables(shop, work, execute):
    recipient("ada", email="ada.secret@example.com")
    shop.post(
        "notifications",
        {"user_id": "ada", "channels": ["inbox"], "content": {"body": "the secret code 123456"}},
    )
    work()
    tables = ["delivery_notification", "preferences_contact", "inbox_inboxitem", "delivery_chunk"]
    for table in tables:
        text = str(execute(f"SELECT {table}::text FROM {table}"))
        for secret in ("secret code", "ada.secret", b"secret code".hex(), b"ada.secret".hex()):
            assert secret not in text, table


def test_a_row_whose_key_is_gone_is_tried_again_and_spares_its_claim(shop, work, execute):
    topic = shop.topic()
    for name in ("ada", "bob"):
        subscribe(topic, recipient(name), "inbox")
    execute(
        "UPDATE preferences_contact SET address = '\\x010063'::bytea || address WHERE id = "
        "(SELECT min(id) FROM preferences_contact)"
    )
    posted = shop.post("topics/news/publish", {"content": HELLO})
    work()
    assert shop.counts(posted) == {"inbox": {"delivered": 1, "retrying": 1}}


# -- Cancelled --------------------------------------------------------------------------------


@pytest.mark.parametrize("when_due", [False, True])
def test_what_went_unanswered_and_waits_is_unknown_after_a_cancel(
    shop, work, wake, providers, monkeypatch, when_due
):
    providers.client.behave("twilio", "torn", times=1)
    recipient("ada", sms="+4366012345678")
    posted = notify(shop, "ada", "sms", priority="high")
    work()
    assert shop.counts(posted) == {"sms": {"retrying": 1}}
    if when_due:  # as what is beyond the first thousands, which a cancel leaves to the sweeper
        monkeypatch.setattr(cancellation, "CANCEL_AT_ONCE", 0)
    shop.post(f"notifications/{posted['id']}/cancel", None, status=200)
    wake()
    work()
    assert shop.counts(posted) == {"sms": {"unknown": 1}}
    assert providers.client.counts()["twilio"]["accepted"] == 1
