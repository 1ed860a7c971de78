"""A notification is sent again to exactly those who did not get it."""

import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import connections
from django.utils import timezone

from apps.delivery.intake.earlier import deliveries_to_replay
from apps.delivery.models import Chunk, DeadLetter, Delivery, Notification
from apps.inbox import services as inbox
from apps.inbox.models import InboxItem
from apps.preferences.models import Contact, Preference, Recipient, Suppression
from apps.publishers.models import AuditEvent
from apps.topics.models import Subscription
from notifier.security import crypto
from tests.support.database import locks_of, run_and_close
from tests.support.publishers.people import contact, recipient, subscribe
from tests.support.publishers.shop import HELLO, Shop

CONFLICT = "/problems/conflict"
NAMES = ("ada", "bob", "eve", "kim")
#: Deliveries to 40,000 people who are not there any more, of whom each fourth did not get it.
MANY = """
INSERT INTO delivery_delivery (notification_id, chunk_id, recipient_id, contact_id, channel,
                               priority, state, created_at, updated_at)
SELECT %s, 0, 1000000 + n, 1000000 + n, 'inbox', 'normal',
       CASE WHEN n %% 4 = 0 THEN 'failed' ELSE 'delivered' END, now(), now()
  FROM generate_series(1, 40000) AS n
"""


@pytest.fixture
def ended(shop: Shop, work) -> Callable[..., Any]:
    """Post to people (or a topic, or a group) and give each one's delivery the state named."""

    def post(path: str = "notifications", **states: str) -> Any:
        for name in NAMES:
            if not Recipient.objects.filter(user_id=name).exists():
                recipient(name)
        body: dict[str, Any] = {"channels": ["inbox"], "content": HELLO}
        if path == "notifications":
            body["user_ids"] = list(states)
        posted = shop.post(path, body)
        work()
        for name, state in states.items():
            end(posted, name, state)
        return posted

    return post


def end(posted: Any, name: str, state: str) -> None:
    """Have a person's delivery end in a state, as if its provider had."""
    row = of(posted, name).get()
    InboxItem.objects.filter(delivery_id=row.pk).delete()
    Delivery.objects.filter(pk=row.pk).update(state=state)
    if state == "dead":
        now = timezone.now()
        DeadLetter.objects.create(
            delivery=row, publisher_id=row.publisher_id, channel=row.channel, died_at=now
        )


def of(posted: Any, name: str) -> Any:
    person = Recipient.objects.get(user_id=name).pk
    return Delivery.objects.filter(notification_id=posted["id"], recipient_id=person)


def replay(shop: Shop, posted: Any, status: int = 202, key: str = "", **fields: Any) -> Any:
    headers = {"Idempotency-Key": key} if key else {}
    return shop.post(f"notifications/{posted['id']}/replay", fields, status=status, **headers)


def people(posted: Any) -> list[str]:
    ids = Delivery.objects.filter(notification_id=posted["id"]).values_list("recipient_id")
    return sorted(Recipient.objects.filter(pk__in=ids).values_list("user_id", flat=True))


def test_those_get_it_who_did_not_and_nobody_else(shop, work, ended):
    first = ended(ada="delivered", bob="dead", eve="unknown", kim="failed")
    again = replay(shop, first)
    assert again["replay_of"] == first["id"]
    work()
    assert people(again) == ["bob", "kim"]
    assert shop.counts(again) == {"inbox": {"delivered": 2}}
    item = InboxItem.objects.get(notification_id=again["id"], recipient__user_id="bob")
    assert inbox.unseal(item.delivery_id, bytes(item.content)).title == HELLO["title"]
    assert shop.get(f"notifications/{again['id']}")["replay_of"] == first["id"]
    assert shop.get(f"notifications/{first['id']}")["replay_of"] is None


def test_states_and_channels_can_be_named(shop, work, ended):
    first = ended(ada="cancelled", bob="dead", eve="expired", kim="suppressed")
    again = replay(shop, first, states=["cancelled", "expired"], channels=["inbox"])
    work()
    assert people(again) == ["ada", "eve"]
    replay(shop, first, 409, channels=["sms"])
    replay(shop, first, 400, states=["suppressed"])
    replay(shop, first, 400, states=["delivered"])


def test_what_was_cancelled_is_sent_again_only_if_that_is_said(shop, ended):
    first = ended(ada="cancelled")
    assert replay(shop, first, 409)["type"] == CONFLICT


def test_subscribers_get_it_who_are_so_still(shop, work, ended):
    topic = shop.topic()
    for name in NAMES:
        subscribe(topic, recipient(name), "inbox")
    first = ended("topics/news/publish", ada="dead", bob="dead", eve="dead", kim="delivered")
    Subscription.objects.filter(recipient__user_id="ada").delete()
    bob = Recipient.objects.get(user_id="bob")
    Preference.objects.create(recipient=bob, topic_id=topic.pk, channel="", allowed=False)
    again = replay(shop, first)
    work()
    assert people(again) == ["bob", "eve"]
    assert shop.counts(again) == {"inbox": {"delivered": 1, "suppressed": 1}}
    assert shop.get(f"notifications/{again['id']}")["topic"] == "news"


def test_bare_endpoints_get_it_again(shop, work):
    topic = shop.topic()
    bare = contact("inbox", "nobody-in-particular", publisher_id=shop.id)
    Subscription.objects.create(topic=topic, channel="inbox", contact=bare)
    first = shop.post("topics/news/publish", {"content": HELLO, "channels": ["inbox"]})
    work()
    Delivery.objects.update(state="failed")
    again = replay(shop, first)
    [chunk] = Chunk.objects.filter(notification_id=again["id"])
    assert chunk.member_ids == [Subscription.objects.get().pk]


def test_members_of_a_group_get_it_again(shop, work, ended):
    for name in NAMES:
        recipient(name)
    shop.http.put("/v1/groups/staff", {}, format="json")
    shop.post("groups/staff/members", {"user_ids": list(NAMES)}, status=200)
    first = ended("groups/staff/notify", ada="dead", bob="delivered", eve="failed", kim="failed")
    shop.post("groups/staff/members/remove", {"user_ids": ["kim"]}, status=200)
    again = replay(shop, first)
    work()
    assert people(again) == ["ada", "eve"]
    assert shop.get(f"notifications/{again['id']}")["group"] == "staff"


def test_who_is_suppressed_or_erased_since_gets_nothing(shop, work, ended):
    first = ended(ada="failed", bob="failed", kim="failed")
    address = Contact.objects.get(recipient__user_id="bob")
    Suppression.objects.create(
        channel="inbox", address_index=address.address_index, masked="b", reason="manual"
    )
    assert shop.http.delete("/v1/recipients/ada").status_code == 202
    again = replay(shop, first)
    work()
    assert people(again) == ["bob", "kim"]
    assert shop.counts(again) == {"inbox": {"delivered": 1, "suppressed": 1}}


def test_nobody_gets_two_replays_of_it(shop, work, ended):
    first = ended(ada="dead", bob="dead")
    again = replay(shop, first)
    assert "replay" in replay(shop, first, 409)["detail"], "one at a time"
    work()
    end(again, "bob", "failed")
    third = replay(shop, first)
    work()
    assert people(third) == ["bob"]
    assert third["replay_of"] == first["id"]
    assert replay(shop, first, 409)["type"] == CONFLICT, "everybody has it"


def test_a_replay_is_replayed_likewise(shop, work, ended):
    first = ended(ada="dead", bob="dead")
    again = replay(shop, first)
    work()
    end(again, "ada", "failed")
    third = replay(shop, again)
    work()
    assert (people(third), third["replay_of"]) == (["ada"], first["id"])
    assert replay(shop, again, 409)["type"] == CONFLICT


def test_who_is_left_out_for_a_locked_delivery_is_counted_and_replayed_later(shop, work, ended):
    first = ended(ada="dead", bob="failed")
    lock = "SELECT FROM delivery_delivery WHERE id = %s FOR UPDATE"
    with locks_of(lock, of(first, "ada").get().pk):
        assert "Ask again" in replay(shop, first, 409, states=["dead"])["detail"]
        again = replay(shop, first)
    assert [one["detail"].partition(":")[0] for one in again["warnings"]] == [
        "1 person is left out"
    ]
    work()
    assert people(again) == ["bob"]
    third = replay(shop, first)
    assert "warnings" not in third
    work()
    assert people(third) == ["ada"]


def test_who_gets_it_meanwhile_is_left_out_and_counted_nowhere(shop, work, ended):
    first = ended(ada="dead", bob="failed")
    key = of(first, "ada").get().pk

    def arrive() -> None:
        Delivery.objects.filter(pk=key).update(state="delivered")

    def before_the_lock(execute: Any, statement: str, *others: Any) -> Any:
        if statement == deliveries_to_replay._LOCK:
            thread = threading.Thread(target=run_and_close, args=(arrive,))
            thread.start()
            thread.join()
        return execute(statement, *others)

    with connections["default"].execute_wrapper(before_the_lock):
        again = replay(shop, first)
    assert Delivery.objects.get(pk=key).state == "delivered"
    assert "warnings" not in again
    work()
    assert people(again) == ["bob"]


def test_what_is_sent_again_is_no_dead_letter_any_more(shop, work, ended):
    first = ended(ada="dead", bob="dead")
    dead = of(first, "ada").get().public_id
    replay(shop, first)
    assert not DeadLetter.objects.exists()
    redriven = shop.post("dead-letters/redrive", {"ids": [dead]}, status=200)
    assert redriven["redriven"] == 0


def test_who_is_not_sent_it_again_keeps_their_dead_letter(shop, work, ended):
    topic = shop.topic()
    for name in NAMES:
        subscribe(topic, recipient(name), "inbox")
    first = ended("topics/news/publish", ada="dead", bob="dead", eve="dead", kim="delivered")
    gone = Subscription.objects.filter(recipient__user_id="ada")
    gone.update(state="pending")
    Subscription.objects.filter(recipient__user_id="bob").delete()
    again = replay(shop, first)
    work()
    assert people(again) == ["eve"]
    dead = sorted(of(first, name).get().public_id for name in ("ada", "bob"))
    assert sorted(row["id"] for row in shop.get("dead-letters")["data"]) == dead
    assert shop.post("dead-letters/redrive", {"ids": dead}, status=200)["redriven"] == 2


def test_no_letter_of_the_first_one_or_of_a_replay_is_redriven_beside_another(shop, work, ended):
    first = ended(ada="dead", bob="dead")
    again = replay(shop, first)
    work()
    for name in ("ada", "bob"):
        end(again, name, "dead")
    dead = [of(again, name).get().public_id for name in ("ada", "bob")]
    replay(shop, first)
    work()
    assert shop.post("dead-letters/redrive", {"ids": dead}, status=200)["redriven"] == 0


def test_who_is_sent_something_of_it_right_now_is_left_out(shop, work, ended):
    first = ended(ada="dead", bob="dead")
    again = replay(shop, first)
    work()
    for name in ("ada", "bob"):
        end(again, name, "dead")
    other = connections.create_connection("default")
    try:
        other.set_autocommit(False)
        with other.cursor() as cursor:  # as a redrive does
            row = of(again, "ada").get()
            cursor.execute("SELECT FROM delivery_delivery WHERE id = %s FOR UPDATE", [row.pk])
            third = replay(shop, first)
    finally:
        other.rollback()
        other.close()
    work()
    assert people(third) == ["bob"]
    assert list(DeadLetter.objects.values_list("pk", flat=True)) == [row.pk]


def test_many_are_found_without_comparing_each_with_each(shop, work, ended):
    first = ended(ada="dead")
    with connections["default"].cursor() as cursor:
        cursor.execute(MANY, [first["id"]])
        cursor.execute("SET statement_timeout = '10s'")
        try:
            again = replay(shop, first)
        finally:
            cursor.execute("RESET statement_timeout")
    work()
    assert people(again) == ["ada"]


def test_the_same_key_makes_one_replay(shop, work, ended):
    first = ended(ada="dead")
    again = replay(shop, first, key="again")
    assert replay(shop, first, key="again") == again
    work()
    assert replay(shop, first, key="again") == again
    assert Notification.objects.count() == 2
    replay(shop, first, 422, key="again", states=["failed"])
    event = AuditEvent.objects.get(action="replay")
    assert (event.object_name, event.after["replay"]) == (first["id"], again["id"])


def test_one_that_is_not_done_or_says_nothing_any_more_is_refused(shop, work, ended):
    first = ended(ada="dead")
    Notification.objects.filter(pk=first["id"]).update(content=b"")
    assert replay(shop, first, 410)["type"] == "/problems/content-gone"
    later = (timezone.now() + timedelta(hours=1)).isoformat()
    body = {"user_id": "ada", "channels": ["inbox"], "content": HELLO, "send_at": later}
    assert replay(shop, shop.post("notifications", body), 409)["type"] == CONFLICT


def test_one_whose_key_is_missing_says_which(shop, ended):
    first = ended(ada="dead")
    by_another = crypto.Keyring({9: bytes(32)}, bytes(32)).encrypt(b"{}", b"")
    Notification.objects.filter(pk=first["id"]).update(content=by_another)
    assert "key 9 is not configured" in replay(shop, first, 409)["detail"]
    assert DeadLetter.objects.exists()


def test_it_expires_when_the_first_one_does(shop, ended):
    first = ended(ada="expired", bob="expired")
    ahead = timezone.now() + timedelta(hours=1)
    Notification.objects.filter(pk=first["id"]).update(expires_at=ahead)
    again = replay(shop, first)
    assert Notification.objects.get(pk=again["id"]).expires_at == ahead


def test_one_that_has_expired_is_sent_again_only_until_another_time(shop, ended):
    first = ended(ada="expired")
    Notification.objects.filter(pk=first["id"]).update(expires_at=timezone.now())
    assert "expires_at" in replay(shop, first, 409)["detail"]
    replay(shop, first, 400, expires_at="2026-01-01T00:00:00Z")
    ahead = timezone.now() + timedelta(minutes=10)
    again = replay(shop, first, expires_at=ahead.isoformat())
    assert Notification.objects.get(pk=again["id"]).expires_at == ahead


def test_why_tells_of_it(shop, work, ended):
    first = ended(ada="dead")
    again = replay(shop, first)
    work()
    of_first = shop.get(f"deliveries/{of(first, 'ada').get().public_id}/why")
    assert again["id"] in str(of_first["sentences"])
    assert "redriven" not in str(of_first["channels"])
    of_again = shop.get(f"deliveries/{of(again, 'ada').get().public_id}/why")
    assert first["id"] in str(of_again["sentences"])


def test_others_notifications_are_not_found(shop, other_shop, ended):
    replay(other_shop, ended(ada="dead"), 404)
