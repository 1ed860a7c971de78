"""What becomes of each delivery: providers are the sandbox, reached over the real wire."""

import threading
import time

import pytest
from django.db import connection

from apps.delivery import (
    broker,
    chunks,
    deliver,
    engine,
    fan_out,
    halting,
    purge,
    sweep,
    tasks,
    transitions,
)
from apps.delivery.models import Attempt, Chunk, Delivery
from apps.delivery.transitions import waiting
from apps.preferences.models import Contact, DirectoryChange, Preference, Suppression
from apps.topics.models import Subscription
from stack.process import PATIENCE
from tests.integration.delivery.conftest import contact, recipient, subscribe

HELLO = {"title": "Hello", "body": "There"}


def notify(shop, user_id, *channels, **fields):
    body = {"user_id": user_id, "channels": list(channels), "content": HELLO, **fields}
    return shop.post("notifications", body)


def only_delivery(shop, posted):
    [row] = shop.get(f"notifications/{posted['id']}/deliveries")["data"]
    return row


# -- What is not sent -------------------------------------------------------------------------


def outcome(shop, work, topic, **publish):
    posted = shop.post(f"topics/{topic.name}/publish", {"content": HELLO, **publish})
    work()
    row = only_delivery(shop, posted)
    return row["state"], row["reason"]


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
    assert only_delivery(shop, posted)["reason"] == "no_address"
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
    row = only_delivery(shop, posted)
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
    assert only_delivery(shop, posted)["reason"] == "rate_limited"


def test_out_of_attempts_is_a_dead_letter(shop, work, wake, providers, settings):
    settings.RETRY_SCHEDULES = {**settings.RETRY_SCHEDULES, "sms": (1.0,)}
    recipient("ada", sms="+4366012345678")
    providers.client.behave("twilio", "500")
    posted = notify(shop, "ada", "sms")
    work()
    wake()
    work()
    row = only_delivery(shop, posted)
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
    row = only_delivery(shop, posted)
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
    tasks.fan_out.apply(args=[Chunk.objects.get().pk], throw=True)
    chunk = Chunk.objects.get(kind="range")

    def run() -> None:
        deliver.deliver(chunk.pk)
        connection.close()

    thread = threading.Thread(target=run)
    original, engine.HAND_OVER_SECONDS = engine.HAND_OVER_SECONDS, 0.5
    try:
        thread.start()
        deadline = time.monotonic() + 1.8
        while time.monotonic() < deadline:
            if shop.counts(posted).get("push", {}).get("accepted") == 5:
                break
            time.sleep(0.05)
        assert shop.counts(posted)["push"] == {"accepted": 5, "sending": 1}
    finally:
        engine.HAND_OVER_SECONDS = original
        thread.join()
    assert shop.counts(posted)["push"] == {"accepted": 5, "retrying": 1}


def test_content_and_addresses_are_unreadable_in_the_tables(shop, work, execute):
    recipient("ada", email="ada.secret@example.com")
    shop.post(
        "notifications",
        {"user_id": "ada", "channels": ["inbox"], "content": {"body": "code 123456"}},
    )
    work()
    tables = ["delivery_notification", "preferences_contact", "inbox_inboxitem", "delivery_chunk"]
    for table in tables:
        text = str(execute(f"SELECT {table}::text FROM {table}"))
        for secret in ("123456", "ada.secret", b"123456".hex(), b"ada.secret".hex()):
            assert secret not in text, table


def test_a_row_whose_key_is_gone_is_tried_again_and_spares_its_chunk(shop, work, execute):
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


# -- Chunks, fences and leases ----------------------------------------------------------------


def expire_leases(execute):
    execute(
        "UPDATE delivery_chunk SET due_at = now() - interval '1 second' WHERE state = 'running'"
    )


def test_a_large_audience_is_cut_into_chunks_that_cover_it_once(shop, work, settings):
    settings.CHUNK_SIZE = 3
    topic = shop.topic()
    for n in range(8):
        subscribe(topic, recipient(f"u{n}"), "inbox")
    posted = shop.post("topics/news/publish", {"content": HELLO})
    work()
    assert Chunk.objects.filter(kind="range").count() == 3
    assert shop.counts(posted) == {"inbox": {"delivered": 8}}


def test_a_task_delivered_twice_sends_once(shop, work):
    recipient("ada")
    posted = notify(shop, "ada", "inbox")
    chunk = Chunk.objects.get()
    for _ in range(3):
        deliver.deliver(chunk.pk)
    assert shop.counts(posted) == {"inbox": {"delivered": 1}}
    assert Attempt.objects.count() == 1


def test_a_chunk_in_work_cannot_be_claimed_until_its_lease_ends(shop, execute):
    recipient("ada")
    notify(shop, "ada", "inbox")
    chunk_id = Chunk.objects.get().pk
    assert chunks.claim(chunk_id).fence == 1
    assert chunks.claim(chunk_id) is None
    expire_leases(execute)
    assert chunks.claim(chunk_id).fence == 2


def test_the_late_writes_of_a_worker_that_lost_its_chunk_are_kept_out(shop, work, execute):
    recipient("ada")
    posted = notify(shop, "ada", "inbox")
    stale, claimed, _ = deliver._claim(Chunk.objects.get().pk)
    assert len(claimed) == 1
    expire_leases(execute)
    work()
    with pytest.raises(chunks.Fenced):
        transitions.record(stale, [], finish=True)
    assert shop.counts(posted) == {"inbox": {"delivered": 1}}


def test_what_a_dead_worker_was_sending_is_sent_by_the_next(shop, work, execute):
    topic = shop.topic()
    for n in range(3):
        subscribe(topic, recipient(f"u{n}"), "inbox")
    posted = shop.post("topics/news/publish", {"content": HELLO})
    tasks.fan_out.apply(args=[Chunk.objects.get().pk], throw=True)
    _, claimed, _ = deliver._claim(Chunk.objects.get(kind="range").pk)
    assert len(claimed) == 3  # and here the worker dies
    assert shop.counts(posted) == {"inbox": {"sending": 3}}
    expire_leases(execute)
    work()
    assert shop.counts(posted) == {"inbox": {"delivered": 3}}


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
        monkeypatch.setattr(waiting, "CANCEL_AT_ONCE", 0)
    shop.post(f"notifications/{posted['id']}/cancel", None, status=200)
    wake()
    work()
    assert shop.counts(posted) == {"sms": {"unknown": 1}}
    assert providers.client.counts()["twilio"]["accepted"] == 1


def test_what_was_being_sent_when_a_worker_died_is_unknown_after_a_cancel(
    shop, work, execute, monkeypatch
):
    monkeypatch.setattr(halting, "PATIENCE", 0.1)
    recipient("ada")
    posted = notify(shop, "ada", "inbox")
    deliver._claim(Chunk.objects.get().pk)
    shop.post(f"notifications/{posted['id']}/cancel", None, status=200)
    expire_leases(execute)
    work()
    row = only_delivery(shop, posted)
    assert (row["state"], row["reason"]) == ("unknown", "worker_lost")


def test_an_interrupted_fan_out_goes_on_where_it_stopped(shop, work, settings, execute):
    settings.CHUNK_SIZE = 1
    topic = shop.topic()
    for n in range(5):
        subscribe(topic, recipient(f"u{n}"), "inbox")
    posted = shop.post("topics/news/publish", {"content": HELLO, "channels": ["inbox"]})
    whole = chunks.claim(Chunk.objects.get().pk)
    original, fan_out.PAGE = fan_out.PAGE, 2
    try:
        assert len(fan_out._cut_page(whole, "inbox")) == 2  # and here the worker dies
    finally:
        fan_out.PAGE = original
    expire_leases(execute)
    work()
    assert Chunk.objects.filter(kind="range").count() == 5
    assert shop.counts(posted) == {"inbox": {"delivered": 5}}


def queued() -> int:
    return broker.depths(["deliver.inbox.high"]).get("deliver.inbox.high", 0)


def overdue(execute):
    execute("UPDATE delivery_chunk SET due_at = now() - interval '1 second'")


def test_the_sweeper_repeats_a_chunk_whose_message_was_lost(shop, work, execute, queue):
    recipient("ada")
    posted = notify(shop, "ada", "inbox", priority="high")
    assert sweep.sweep() == 0
    deadline = time.monotonic() + PATIENCE
    while not queue.purge():  # the message was on its way
        assert time.monotonic() < deadline
    overdue(execute)
    assert sweep.sweep() == 1
    assert queued() == 1
    work()
    assert shop.counts(posted) == {"inbox": {"delivered": 1}}


def test_the_sweeper_leaves_a_chunk_alone_that_only_waits_in_a_long_queue(shop, execute, queue):
    recipient("ada")
    notify(shop, "ada", "inbox", priority="high")
    deadline = time.monotonic() + PATIENCE
    while not queued():
        assert time.monotonic() < deadline
    overdue(execute)
    assert sweep.sweep() == 0


def test_the_sweeper_enqueues_no_more_of_a_long_queue_again_than_it_lost(shop, execute, queue):
    for user_id in ("ada", "bob", "eve"):
        recipient(user_id)
        notify(shop, user_id, "inbox", priority="high")
    deadline = time.monotonic() + PATIENCE
    while queued() < 3:
        assert time.monotonic() < deadline
    assert queue.get(no_ack=True)
    while queued() != 2:  # RabbitMQ counts late
        assert time.monotonic() < deadline
    overdue(execute)
    assert sweep.sweep() == 1
    assert queued() == 3


def test_the_sweeper_takes_a_chunk_back_whose_workers_lease_ran_out(shop, execute, queue):
    recipient("ada")
    notify(shop, "ada", "inbox", priority="high")
    chunks.claim(Chunk.objects.get().pk)
    overdue(execute)
    assert sweep.sweep() == 1
    assert Chunk.objects.get().state == "queued"


def test_retries_of_many_notifications_share_chunks(shop, work, wake, providers):
    for n in range(4):
        recipient(f"u{n}", sms=f"+4366012345{n:02d}")
    providers.client.behave("twilio", "500", times=1)
    posted = [notify(shop, f"u{n}", "sms") for n in range(4)]
    work()
    wake()
    assert Chunk.objects.filter(kind="retry").count() == 1
    work()
    assert [shop.counts(row) for row in posted] == [{"sms": {"accepted": 1}}] * 4


def test_done_chunks_and_old_keys_are_purged(shop, work, execute):
    recipient("ada")
    shop.post("notifications", {"user_id": "ada", "content": HELLO}, **{"Idempotency-Key": "k"})
    work()
    assert purge.purge() == 0
    execute("UPDATE delivery_idempotencykey SET created_at = now() - interval '25 hours'")
    execute("UPDATE delivery_chunk SET ready_at = now() - interval '25 hours'")
    assert purge.purge() == 2
