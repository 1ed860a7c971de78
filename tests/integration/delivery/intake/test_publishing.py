"""Publishing and reading back, through the HTTP door."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection, transaction

from apps.delivery.intake import group_commit
from apps.delivery.intake.drafts import Draft
from apps.delivery.intake.group_commit import Posting
from apps.delivery.intake.lookups import Key
from apps.delivery.models import Notification
from notifier.domain.messages import Content
from stack.supervision.process import PATIENCE
from tests.integration.delivery.conftest import recipient, subscribe

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
    assert problem["detail"].startswith("Nobody is known as 'bob', 'eve'. Register them")
    assert {error["pointer"] for error in problem["errors"]} == {"/user_ids"}
    assert not Notification.objects.exists()


def test_one_unknown_recipient_is_pointed_at_where_it_was_named(shop):
    problem = shop.post("notifications", {"user_id": "bob", "content": HELLO}, status=400)
    assert problem["errors"] == [{"pointer": "/user_id", "detail": "'bob' is nobody."}]


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


def test_a_word_that_is_not_one_of_a_few_is_told_the_few(shop):
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
    # with it, whoever may read the directory would find out whose it is
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


# -- Idempotency ------------------------------------------------------------------------------


@pytest.mark.parametrize("header", ["Idempotency-Key", "X-Idempotency-Key"])
def test_the_same_key_and_body_get_the_first_answer_again(shop, header):
    recipient("ada")
    body = {"user_id": "ada", "content": HELLO}
    first = shop.post("notifications", body, **{header: "k1"})
    again = shop.http.post("/v1/notifications", body, format="json", headers={header: "k1"})
    assert (again.status_code, again.json()) == (202, first)
    assert again.headers["Idempotent-Replayed"] == "true"
    assert Notification.objects.count() == 1


def test_the_same_key_with_another_body_is_refused(shop):
    recipient("ada")
    shop.post("notifications", {"user_id": "ada", "content": HELLO}, **{"Idempotency-Key": "k1"})
    problem = shop.post(
        "notifications",
        {"user_id": "ada", "content": {"title": "Other"}},
        status=422,
        **{"Idempotency-Key": "k1"},
    )
    assert problem["type"] == "/problems/idempotency-mismatch"


def test_two_publishers_may_use_the_same_key(shop, other_shop):
    recipient("ada")
    body = {"user_id": "ada", "content": HELLO}
    first = shop.post("notifications", body, **{"Idempotency-Key": "k"})
    second = other_shop.post("notifications", body, **{"Idempotency-Key": "k"})
    assert first["id"] != second["id"]


def test_a_request_that_failed_leaves_its_key_free(shop):
    body = {"user_id": "ada", "content": HELLO}
    shop.post("notifications", body, status=400, **{"Idempotency-Key": "k"})
    recipient("ada")
    shop.post("notifications", body, **{"Idempotency-Key": "k"})


@contextmanager
def nothing_accepted() -> Iterator[None]:
    """Every acceptance that has begun waits, as if its database were slow."""
    locked, release = threading.Event(), threading.Event()

    def hold() -> None:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("LOCK TABLE delivery_chunk IN SHARE MODE")
            locked.set()
            release.wait(PATIENCE)
        connection.close()

    thread = threading.Thread(target=hold)
    thread.start()
    assert locked.wait(PATIENCE)
    try:
        yield
    finally:
        release.set()
        thread.join()


def test_a_key_whose_first_request_does_not_end_gets_409_and_then_the_answer(shop):
    recipient("ada")
    body = {"user_id": "ada", "content": HELLO}
    answers, waited = [], []

    def ask() -> None:
        begun = time.monotonic()
        answer = shop.http.post(
            "/v1/notifications", body, format="json", headers={"Idempotency-Key": "k"}
        )
        waited.append(time.monotonic() - begun)
        answers.append((answer.status_code, answer.json()))
        connection.close()

    with nothing_accepted():
        first = threading.Thread(target=ask)
        first.start()
        while not locks_held():
            time.sleep(0.01)
        others = [threading.Thread(target=ask) for _ in range(6)]
        for thread in others:
            thread.start()
        for thread in others:
            thread.join()
    first.join()
    *refused, (status, posted) = answers
    assert [code for code, _ in refused] == [409] * 6
    assert refused[0][1]["type"] == "/problems/idempotency-in-flight"
    # A few wait for it; the others leave their threads to other publishers at once.
    assert [seconds > 1.5 for seconds in sorted(waited[:-1])] == [False] * 4 + [True] * 2
    assert status == 202
    assert shop.post("notifications", body, **{"Idempotency-Key": "k"}) == posted


def locks_held() -> int:
    """How many Idempotency-Keys are at work; with ``nothing_accepted``, how many wait there."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND granted")
        return int(cursor.fetchone()[0])


def test_a_storm_of_one_key_makes_one_notification_and_one_answer(shop):
    recipient("ada")
    answers, body = [], {"user_id": "ada", "content": HELLO}

    def ask() -> None:
        answers.append(shop.post("notifications", body, **{"Idempotency-Key": "storm"})["id"])
        connection.close()

    threads = [threading.Thread(target=ask) for _ in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(answers) == 12 and len(set(answers)) == 1
    assert Notification.objects.count() == 1


def test_what_was_done_beside_the_first_request_with_a_key_is_taken_back(shop):
    """The first one ended after the second looked for its answer, and before it stored its own."""
    ada = recipient("ada")

    def first() -> None:
        with connection.cursor() as cursor:
            cursor.execute(
                "INSERT INTO delivery_idempotencykey "
                "(publisher_id, key, fingerprint, status, answer, created_at) "
                "VALUES (%s, 'k', 'request', 202, '{\"id\": \"first\"}', clock_timestamp())",
                [shop.id],
            )
        connection.close()

    def drafts(*_: object) -> list[Draft]:
        thread = threading.Thread(target=first)
        thread.start()
        thread.join()
        return [Draft(Content(body="second"), "normal", ["inbox"], recipient_ids=[ada.pk])]

    key = Key(shop.id, "k", b"request")
    posting = Posting(shop.id, key, (), drafts, lambda taken: {"id": "second"})
    answer = group_commit.commit(posting)
    assert (answer.body, answer.replayed) == (b'{"id":"first"}', True)
    assert not Notification.objects.exists()


def test_a_batch_is_replayed_as_a_whole(shop):
    recipient("ada")
    body = {"notifications": [{"user_id": "ada", "content": HELLO}] * 3}
    first = shop.post("notifications/batch", body, **{"Idempotency-Key": "b"})
    assert shop.post("notifications/batch", body, **{"Idempotency-Key": "b"}) == first
    assert Notification.objects.count() == 3


# -- Time -------------------------------------------------------------------------------------


def test_a_notification_for_later_waits_and_is_not_enqueued(shop, execute):
    recipient("ada")
    later = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
    posted = shop.post("notifications", {"user_id": "ada", "content": HELLO, "send_at": later})
    assert posted["state"] == "scheduled"
    [(due_at,)] = execute("SELECT due_at FROM delivery_chunk")
    assert due_at == datetime.fromisoformat(later)
    assert shop.get(f"notifications/{posted['id']}")["state"] == "scheduled"


def test_a_topics_delay_holds_its_notifications_back(shop):
    shop.topic(delay=600)
    posted = shop.post("topics/news/publish", {"content": HELLO})
    waits = datetime.fromisoformat(posted["send_at"]) - datetime.fromisoformat(posted["created_at"])
    assert waits == timedelta(seconds=600)


def test_a_replay_after_the_expiry_still_gets_the_first_answer(shop):
    recipient("ada")
    soon = (datetime.now(UTC) + timedelta(seconds=1)).isoformat()
    body = {"user_id": "ada", "content": HELLO, "expires_at": soon}
    first = shop.post("notifications", body, **{"Idempotency-Key": "k"})
    time.sleep(1.1)
    assert shop.post("notifications", body, **{"Idempotency-Key": "k"}) == first


@pytest.mark.parametrize("key", ["", "   ", "k" * 256])
def test_an_unusable_idempotency_key_is_refused(shop, key):
    recipient("ada")
    body = {"user_id": "ada", "content": HELLO}
    problem = shop.post("notifications", body, status=400, **{"Idempotency-Key": key})
    assert problem["type"] == "/problems/invalid-idempotency-key"


def test_a_date_nobody_will_live_to_see_is_refused(shop):
    shop.topic(delay=60)
    body = {"content": HELLO, "send_at": "9999-12-31T23:59:59Z"}
    problem = shop.post("topics/news/publish", body, status=400)
    assert problem["errors"][0]["pointer"] == "/send_at"


@pytest.mark.parametrize(
    "key", ["a" + "\xa0" * 300, "\xa0", "\xfc", "a\tb", "a" * 254 + "\xa0", "a\x7f", " a"]
)
def test_a_key_is_printable_ascii(shop, key):
    recipient("ada")
    body = {"user_id": "ada", "content": HELLO}
    for header in ("Idempotency-Key", "X-Idempotency-Key"):
        problem = shop.post("notifications", body, status=400, **{header: key})
        assert problem["type"] == "/problems/invalid-idempotency-key"


def test_a_key_has_up_to_255_characters_and_may_have_spaces_inside(shop):
    recipient("ada")
    body = {"user_id": "ada", "content": HELLO}
    for key in ("k", "k" * 255, "order 7, once"):
        first = shop.post("notifications", body, **{"Idempotency-Key": key})
        assert shop.post("notifications", body, **{"Idempotency-Key": key}) == first


@pytest.mark.parametrize("other", ["b", "", "A"])
def test_two_headers_with_two_keys_are_refused(shop, other):
    recipient("ada")
    keys = {"Idempotency-Key": "a", "X-Idempotency-Key": other}
    body = {"content": HELLO}
    named = {"user_id": "ada", **body}
    for path, posted in (
        ("notifications", named),
        ("notifications/batch", {"notifications": [named]}),
        ("topics/orders/publish", body),
        ("groups/team/notify", body),
    ):
        problem = shop.post(path, posted, status=400, **keys)
        assert problem["type"] == "/problems/invalid-idempotency-key", path
    keys["X-Idempotency-Key"] = "a"
    shop.post("notifications", named, **keys)


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
