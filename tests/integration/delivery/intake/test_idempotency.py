"""Idempotency keys: one notification and one answer, however often and at once they come."""

import threading
import time
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection

from apps.delivery.intake import group_commit
from apps.delivery.intake.drafts import Draft
from apps.delivery.intake.group_commit import PublishRequest
from apps.delivery.intake.idempotency import Key
from apps.delivery.models import Notification
from notifier.domain.messages import Content
from tests.support.database import table_locked
from tests.support.publishers.people import recipient
from tests.support.waiting import until

HELLO = {"title": "Hello", "body": "There"}


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

    with table_locked("delivery_chunk", "SHARE"):  # nothing is accepted
        first = threading.Thread(target=ask)
        first.start()
        until(locks_held)
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
    """Count the idempotency keys that requests have locked."""
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
    """The first ended after the second looked for its answer and before it stored its own."""
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
    posting = PublishRequest(shop.id, key, (), drafts, lambda taken: {"id": "second"})
    answer = group_commit.commit(posting)
    assert (answer.body, answer.replayed) == (b'{"id":"first"}', True)
    assert not Notification.objects.exists()


def test_a_batch_is_replayed_as_a_whole(shop):
    recipient("ada")
    body = {"notifications": [{"user_id": "ada", "content": HELLO}] * 3}
    first = shop.post("notifications/batch", body, **{"Idempotency-Key": "b"})
    assert shop.post("notifications/batch", body, **{"Idempotency-Key": "b"}) == first
    assert Notification.objects.count() == 3


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
