"""Nothing names or reaches a person who was erased, wherever one looks."""

import logging
import threading
from contextlib import AbstractContextManager
from io import StringIO
from uuid import UUID

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import OperationalError, connection
from django.urls import reverse
from django.utils import timezone

from apps.delivery.maintenance import erasure as deliveries
from apps.delivery.models import Chunk, DeadLetter, Delivery, OpenDigest
from apps.preferences.erasure import mark
from apps.preferences.models import Recipient, Suppression
from apps.privacy import erasure, tasks
from apps.privacy.models import Erasure
from apps.publishers.models import AuditEvent
from apps.publishers.scopes import Scope
from tests.support.database import locks_of, run_and_close, table_locked
from tests.support.personal import search
from tests.support.personal.marked_person import ADA, MAIL, MARK, PHONE, Person, exported
from tests.support.publishers.admin_actions import do
from tests.support.publishers.people import recipient
from tests.support.publishers.shop import make_shop
from tests.support.waiting import somebody_waits, until

#: Where marks are before: a part of each app, which would be missed if it erased nothing.
PLACES = {
    "delivery_idempotencykey.answer",
    "delivery_idempotencykey.key",
    "delivery_notification.collapse_key",
    "delivery_notification.content",
    "delivery_notification.digest",
    "delivery_notification.ordering_key",
    "delivery_reply.masked",
    "django_admin_log.object_repr",
    "inbox_inboxitem.content",
    "inbox_ticket.user_id",
    "preferences_contact.address",
    "preferences_contact.masked",
    "preferences_directorychange.masked",
    "preferences_optout.masked",
    "preferences_recipient.attributes",
    "preferences_recipient.name",
    "preferences_recipient.user_id",
    "preferences_suppression.masked",
    "publishers_auditevent.actor",
    "publishers_auditevent.after",
    "publishers_auditevent.object_name",
    "schedules_schedule.notification",
}
#: Where the keyed hash of an address may stay: it protects the person.
HASHED = {
    "preferences_suppression.address_index",
    "preferences_optout.address_index",
    "preferences_directorychange.address_index",
}


@pytest.fixture
def person(shop, work, phone, outside, callback, fresh_counters) -> Person:
    return Person(shop, work, phone, outside)


def erase(shop, name=ADA, status=202):
    """Erase the person, and let the task do the rest; the erasure as the API shows it then."""
    answer = shop.http.delete(f"/v1/recipients/{name}")
    assert answer.status_code == status, answer.json()
    tasks.erase.apply(throw=True)
    return shop.get(f"erasures/{answer.json()['id']}")


def first_delivery() -> int:
    """The person's oldest delivery, which an erasure comes to last."""
    person = Recipient.objects.get(user_id=ADA)
    return Delivery.objects.filter(recipient_id=person.pk).earliest("pk").pk


def locked(delivery_id: int) -> AbstractContextManager[None]:
    return locks_of("SELECT FROM delivery_delivery WHERE id = %s FOR UPDATE", delivery_id)


def test_no_table_key_queue_or_log_names_an_erased_person(person, shop, operator, caplog):
    caplog.set_level(logging.INFO)
    person.plant(operator)
    traces = person.traces()
    before = search.in_tables(traces.marks)
    assert before.keys() >= PLACES, "the test plants too little"
    assert search.referring("recipient_id", [traces.recipient_id]).keys() >= {
        "delivery_delivery.recipient_id",
        "delivery_chunk.recipient_ids",
        "delivery_opendigest.recipient_id",
        "delivery_answer.recipient_id",
        "inbox_deletion.recipient_id",
        "inbox_feed.recipient_id",
        "preferences_digestchoice.recipient_id",
        "preferences_frequencycap.recipient_id",
        "preferences_membership.recipient_id",
        "preferences_preference.recipient_id",
        "topics_subscription.recipient_id",
    }
    assert search.in_redis(traces.marks).keys() == {f"notifier:pages:opened:{ADA}"}
    assert search.counters(traces.recipient_id), "what they were sent is counted"
    counts = {name: shop.get(f"notifications/{key}")["counts"] for name, key in person.ids.items()}

    erased = erase(shop)

    assert erased["state"] == "done" and erased["deliveries"] > 10
    assert search.in_tables(traces.marks) == {}
    assert search.in_redis(traces.marks) == {}
    assert not search.counters(traces.recipient_id)
    assert search.in_queues(traces.marks) == {}
    assert not [one for one in caplog.messages if MARK in one.lower()]
    assert search.referring("recipient_id", [traces.recipient_id]) == {}
    assert search.referring("contact_id", traces.contact_ids) == {}
    assert search.hashes(traces.indexes) <= HASHED
    assert Suppression.objects.get(channel="email").reason == "hard_bounce"
    for name in ("everywhere", "keyed", "shared"):
        shown = shop.get(f"notifications/{person.ids[name]}")["counts"]
        assert shown == counts[name], "what was sent is still counted"


def test_nobody_finds_or_reaches_them_from_the_answer_on(person, shop, operator):
    person.plant(operator)
    row = shop.http.delete(f"/v1/recipients/{ADA}").json()
    assert row["state"] == "erasing"
    shop.get(f"recipients/{ADA}", status=404)
    shop.get(f"recipients/{ADA}/export", status=404)
    assert [one["user_id"] for one in shop.get("recipients")["data"]] == ["bob"]
    refused = shop.post("notifications", {"user_id": ADA, "content": {"title": "x"}}, status=400)
    assert refused["type"] == "/problems/unknown-recipient"
    sent = len(person.outside.client.messages(limit=1000))
    later = Delivery.objects.filter(next_attempt_at__isnull=False)
    later.update(next_attempt_at="2020-01-01T00:00:00Z")
    Chunk.objects.filter(state="queued").update(ready_at="2020-01-01T00:00:00Z")
    person.work()
    reached = person.outside.client.messages(limit=1000)[: -sent or None]
    assert not [
        one for one in reached if MARK in one["address"] and "webhook" not in one["channel"]
    ]


def test_what_waits_is_cancelled_and_counted(person, shop, operator):
    person.plant(operator)
    erase(shop)

    def shown(name):
        return shop.get(f"notifications/{person.ids[name]}")

    assert shown("later")["state"] == "cancelled"
    assert shown("digest-0")["counts"] == {"push": {"cancelled": 1}}
    assert shown("retrying")["counts"]["push"]["cancelled"] == 1
    assert not OpenDigest.objects.exists()
    assert not DeadLetter.objects.filter(publisher_id=shop.id, kind="published").exists()
    both = shown("both-later")
    assert both["state"] == "scheduled", "bob still gets it"
    Chunk.objects.filter(state="queued").update(ready_at="2020-01-01T00:00:00Z")
    person.work()
    assert shown("both-later")["counts"] == {"inbox": {"delivered": 1}}
    assert [one["name"] for one in shop.get("schedules")["data"]] == ["both"]
    assert shop.get("schedules/both")["notification"]["user_ids"] == ["bob"]


def test_an_erasure_can_be_asked_for_again(person, shop):
    person.register()
    first = shop.http.delete(f"/v1/recipients/{ADA}")
    again = shop.http.delete(f"/v1/recipients/{ADA}")
    assert again.status_code == 202 and again.json() == first.json()
    assert first.headers["Location"] == f"/v1/erasures/{first.json()['id']}"
    tasks.erase.apply(throw=True)
    done = shop.http.delete(f"/v1/recipients/{ADA}")
    assert done.status_code == 200
    assert (done.json()["id"], done.json()["state"]) == (first.json()["id"], "done")
    assert Erasure.objects.count() == 1
    missing = shop.http.delete("/v1/recipients/nobody")
    assert missing.status_code == 404


def test_who_registers_again_is_somebody_new(person, shop, operator):
    person.plant(operator)
    answer = shop.http.delete(f"/v1/recipients/{ADA}")
    assert answer.status_code == 202
    created = shop.http.put(f"/v1/recipients/{ADA}", {"email": MAIL, "phone": PHONE}, format="json")
    assert created.status_code == 201
    notified = shop.post("notifications", {"user_id": ADA, "content": {"title": "Welcome"}})
    person.work()
    tasks.erase.apply(throw=True)
    assert Erasure.objects.get().state == "done"
    assert shop.get(f"recipients/{ADA}")["user_id"] == ADA
    rows = shop.get(f"notifications/{notified['id']}/deliveries")["data"]
    assert {row["channel"]: (row["state"], row["user_id"]) for row in rows} == {
        "inbox": ("delivered", ADA),
        "email": ("suppressed", ADA),
        "sms": ("suppressed", ADA),
    }, "the addresses are still protected"
    export = exported(shop)
    assert len(export["deliveries"]) == 3
    assert [event["action"] for event in export["audit"]] == ["create"]


def test_what_a_worker_held_of_them_is_not_in_the_inbox_of_who_registers_again(person, shop, app):
    person.register()
    person.notify("held", channels=["inbox"])
    worker = threading.Thread(target=run_and_close, args=[person.work])
    with table_locked("inbox_inboxitem", "SHARE"):
        worker.start()
        until(somebody_waits)
        assert shop.http.delete(f"/v1/recipients/{ADA}").status_code == 202
        person.put(f"recipients/{ADA}", {}, status=201)
    worker.join()
    assert app(ADA).http.get("/v1/inbox").json()["data"] == []
    tasks.erase.apply(throw=True)
    assert Erasure.objects.get().state == "done"


def test_an_erasure_that_was_interrupted_goes_on(person, shop, operator, monkeypatch):
    person.plant(operator)
    traces = person.traces()
    monkeypatch.setattr(deliveries, "AT_ONCE", 3)
    oldest = first_delivery()
    answer = shop.http.delete(f"/v1/recipients/{ADA}").json()
    with locked(oldest), pytest.raises(OperationalError):
        with connection.cursor() as cursor:
            cursor.execute("SET lock_timeout = 500")
        try:
            erasure.go_on(Erasure.objects.get().pk)
        finally:
            with connection.cursor() as cursor:
                cursor.execute("RESET lock_timeout")
    shown = shop.get(f"erasures/{answer['id']}")
    assert shown["state"] == "erasing" and shown["deliveries"] > 3
    tasks.erase.apply(throw=True)
    assert Erasure.objects.get().state == "done", "one that failed is tried again at once"
    assert search.in_tables(traces.marks) == {}


def test_one_process_at_a_time_erases_until_it_is_silent_for_a_minute(person, shop):
    person.register()
    first, second = (shop.http.delete(f"/v1/recipients/{name}").json() for name in (ADA, "bob"))
    at_work = Erasure.objects.filter(pk=first["id"])
    at_work.update(leased_until=timezone.now() + erasure.LEASE)
    tasks.erase.apply(throw=True)
    assert not erasure.go_on(UUID(second["id"])), "it waits for the other"
    assert {one.state for one in Erasure.objects.all()} == {"erasing"}
    at_work.update(leased_until=timezone.now())
    tasks.erase.apply(throw=True)
    assert {one.state for one in Erasure.objects.all()} == {"done"}


def test_two_processes_do_not_erase_at_the_same_time(person, shop):
    person.register()
    person.notify("sent", channels=["push"])
    person.work()
    oldest = first_delivery()
    keys = [shop.http.delete(f"/v1/recipients/{name}").json()["id"] for name in (ADA, "bob")]
    with locked(oldest):
        worker = threading.Thread(target=run_and_close, args=[tasks.erase.apply])
        worker.start()
        until(somebody_waits)
        assert not any(erasure.go_on(UUID(key)) for key in keys)
    worker.join()
    assert {one.state for one in Erasure.objects.all()} == {"done"}


def test_a_long_erasure_holds_no_other_up(person, shop, operator, monkeypatch):
    person.plant(operator)
    traces = person.traces()
    monkeypatch.setattr(deliveries, "AT_ONCE", 1)
    monkeypatch.setattr(erasure, "TURN", 0)
    first, second = (shop.http.delete(f"/v1/recipients/{name}").json() for name in (ADA, "bob"))

    def go_on():
        tasks.erase.apply(throw=True)
        return [shop.get(f"erasures/{one['id']}")["state"] for one in (first, second)]

    states = until(lambda: found if "done" in (found := go_on()) else None)
    assert states == ["erasing", "done"]
    until(lambda: go_on() == ["done", "done"])
    assert search.in_tables(traces.marks) == {}


def test_an_erasure_that_fails_holds_no_other_up(person, shop):
    person.register()
    for name in (ADA, "bob"):
        assert shop.http.delete(f"/v1/recipients/{name}").status_code == 202
    first = Erasure.objects.order_by("requested_at").values("pk")[:1]
    Erasure.objects.filter(pk__in=first).update(user_id=b"sealed by a key that is gone")
    tasks.erase.apply(throw=True)
    third = shop.http.put("/v1/recipients/eve", {}, format="json")
    assert third.status_code == 201
    erase(shop, "eve")
    assert [one.state for one in Erasure.objects.order_by("requested_at")] == [
        "erasing",
        "done",
        "done",
    ]


def test_what_is_accepted_in_the_moment_of_the_erasure_is_erased_however_late(person, shop):
    person.put(f"recipients/{ADA}", {}, status=201)
    recipient_id = Recipient.objects.get(user_id=ADA).pk
    late = threading.Thread(target=run_and_close, args=[lambda: person.notify("late")])
    with table_locked("delivery_idempotencykey", "SHARE"):
        late.start()
        until(somebody_waits)
        assert erase(shop)["state"] == "erasing", "somebody may still write what they found"
    late.join()
    assert person.ids["late"], "it was accepted"
    tasks.erase.apply(throw=True)
    assert Erasure.objects.get().state == "done"
    assert search.referring("recipient_id", [recipient_id]) == {}
    assert search.in_tables([MARK]) == {}


def test_a_delivery_that_is_being_sent_is_waited_for(person, shop):
    person.register()
    posted = person.notify("sent", channels=["push"])
    person.work()
    Delivery.objects.filter(notification_id=posted["id"]).update(state="sending")
    row = erase(shop)
    assert row["state"] == "erasing"
    Delivery.objects.filter(notification_id=posted["id"]).update(state="accepted")
    tasks.erase.apply(throw=True)
    assert shop.get(f"erasures/{row['id']}")["state"] == "done"


def test_an_address_that_somebody_else_has_too_stays_theirs(person, shop):
    person.register()
    recipient("eve", email=MAIL)
    shop.post("topics", {"name": "news"}, status=201)
    subscriptions = "topics/news/subscriptions"
    shop.post(subscriptions, {"channel": "email", "address": MAIL}, status=200)
    erase(shop)
    assert len(shop.get("topics/news/subscriptions")["data"]) == 1
    assert len(shop.get("recipients/eve")["contacts"]) == 1


def test_the_command_erases_and_the_trail_does_not_say_whom(person, operator):
    person.plant(operator)
    out = StringIO()
    call_command("erase_person", ADA, stdout=out)
    assert "Erased, from" in out.getvalue()
    event = AuditEvent.objects.get(action="erase")
    assert event.object_name == mark(ADA) and MARK not in event.object_name
    assert event.actor == "manage.py"
    with pytest.raises(CommandError, match="no such recipient"):
        call_command("erase_person", "nobody")


def test_an_operator_erases_a_person_on_their_page(person, operator, onlooker):
    person.register()
    row = Recipient.objects.get(user_id=ADA)
    page = reverse("admin:preferences_recipient_change", args=[row.pk])
    assert "Erase this person" in operator.get(page).content.decode()
    assert "Erase this person" not in onlooker.get(page).content.decode()
    do(onlooker, "erase", row)
    assert not Erasure.objects.exists()
    answer = do(operator, "erase", row)
    shown = operator.get(answer.url).content.decode()
    assert "erasing" in shown and MARK not in shown
    assert AuditEvent.objects.get(action="erase").actor == "operator"


def test_it_takes_a_scope_of_its_own(person):
    person.register()
    directory = make_shop("accounts", [Scope.DIRECTORY_WRITE, Scope.DIRECTORY_READ])
    for answer in (
        directory.http.delete(f"/v1/recipients/{ADA}"),
        directory.http.get(f"/v1/recipients/{ADA}/export"),
    ):
        assert answer.status_code == 403
        assert answer.json()["scope"] == "directory:personal"
