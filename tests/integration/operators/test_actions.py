"""What operators do, and that each of it is in the audit trail."""

import asyncio
import threading
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.db import connection
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from apps.api import pagination
from apps.delivery.flow import address_guards, breakers
from apps.delivery.models import DeadLetter, Delivery, Notification, ProviderSwitch
from apps.operators import large_lists
from apps.preferences.models import Contact, Recipient
from apps.publishers.models import AuditEvent, Publisher
from apps.topics.models import Topic
from notifier.dispatch.dispatcher import Sent
from notifier.domain.messages import Content, Message
from notifier.domain.outcomes import Accepted, Outcome, Reason, Refused, Retry
from notifier.providers.base import Provider
from stack.supervision.process import PATIENCE
from tests.integration.delivery.conftest import Shop, recipient, subscribe

ADDRESS = "ada.lovelace@example.com"
NEWS = {"content": {"title": "Hello", "body": "World"}}


def do(client: Client, verb: str, row: Any) -> Any:
    name = f"admin:{row._meta.app_label}_{row._meta.model_name}_do"
    return client.post(reverse(name, args=[row.pk, verb]))


def events(kind: str) -> list[tuple[str, str, str]]:
    rows = AuditEvent.objects.filter(object_type=kind).order_by("id")
    return [(row.actor, row.action, row.object_name) for row in rows]


def test_a_cancelled_notification_is_not_sent(shop: Shop, operator: Client):
    subscribe(shop.topic(), recipient("ada"), "inbox")
    posted = shop.post("topics/news/publish", NEWS)
    row = Notification.objects.get()
    assert do(operator, "cancel", row).status_code == 302
    assert shop.get(f"notifications/{posted['id']}")["state"] == "cancelled"
    assert events("notification") == [("operator", "cancel", posted["id"])]
    do(operator, "cancel", row)
    assert len(events("notification")) == 1


class Held(Provider):
    """Answers once it may."""

    begun, may = threading.Event(), threading.Event()

    async def send(self, message: Message) -> Outcome:
        self.begun.set()
        await asyncio.to_thread(self.may.wait, PATIENCE)
        return Accepted("id")


def test_a_notification_is_cancelled_while_some_of_it_is_being_sent(
    shop: Shop, operator: Client, work, settings, monkeypatch
):
    settings.PROVIDERS = {"held": {"class": f"{__name__}.Held", "channel": "sms"}}
    monkeypatch.setattr(Held, "begun", threading.Event())
    monkeypatch.setattr(Held, "may", threading.Event())
    recipient("ada", sms="+12025550100")
    posted = shop.post("notifications", {"user_ids": ["ada"], "channels": ["sms"], **NEWS})
    worker = threading.Thread(target=_work_in_a_thread, args=[work])
    worker.start()
    try:
        assert Held.begun.wait(PATIENCE), "nothing is being sent"
        answer = do(operator, "cancel", Notification.objects.get())
        assert answer.status_code == 302
        assert Delivery.objects.get().state == "sending", "it was not cancelled under load"
    finally:
        Held.may.set()
        worker.join()
    assert Notification.objects.get().cancelled_at is not None, "the cancel was rolled back"
    assert events("notification") == [("operator", "cancel", posted["id"])]


def _work_in_a_thread(work: Callable[[], None]) -> None:
    try:
        work()
    finally:
        connection.close()


def test_an_address_is_revealed_once_to_who_may_and_it_is_recorded(
    shop: Shop, operator: Client, onlooker: Client
):
    recipient("ada", email=ADDRESS)
    row = Contact.objects.get(channel="email")
    answer = do(operator, "reveal", row)
    assert ADDRESS in answer.content.decode()
    assert "no-store" in answer.headers["Cache-Control"]
    assert events("contact") == [("operator", "reveal", str(row.pk))]
    event = AuditEvent.objects.get()
    assert (event.before, event.after) == (None, None)
    url = reverse("admin:preferences_contact_do", args=[row.pk, "reveal"])
    assert operator.get(url).status_code == 405
    assert ADDRESS not in onlooker.post(url, follow=True).content.decode()
    user = User.objects.get(username="onlooker")
    user.user_permissions.add(Permission.objects.get(codename="reveal_contact"))
    assert ADDRESS in onlooker.post(url).content.decode()
    assert len(events("contact")) == 2


def test_a_disabled_contact_is_not_sent_to_until_it_is_enabled(shop: Shop, operator: Client, work):
    subscribe(shop.topic(), recipient("ada"), "inbox")
    row = Contact.objects.get()
    do(operator, "disable", row)
    posted = shop.post("topics/news/publish", NEWS)
    work()
    assert shop.counts(posted) == {"inbox": {"suppressed": 1}}
    do(operator, "enable", row)
    posted = shop.post("topics/news/publish", NEWS)
    work()
    assert shop.counts(posted) == {"inbox": {"delivered": 1}}
    assert [event[1] for event in events("contact")] == ["update", "update"]


def test_a_disabled_publisher_is_refused(shop: Shop, operator: Client):
    row = Publisher.objects.get()
    do(operator, "disable", row)
    assert shop.http.get("/v1/topics").status_code in (401, 403)
    do(operator, "enable", row)
    shop.get("topics")
    assert events("publisher") == [("operator", "disable", "shop"), ("operator", "enable", "shop")]


def test_a_paused_provider_is_switched_off_until_it_is_resumed(operator: Client):
    url = "/admin/delivery/notification/provider/{}/{}/"
    assert operator.get(url.format("webhook", "pause")).status_code == 405
    assert operator.post(url.format("webhook", "pause")).status_code == 302
    assert [row.provider for row in ProviderSwitch.objects.all()] == ["webhook"]
    assert "Resume webhook" in operator.get("/admin/").content.decode()
    operator.post(url.format("webhook", "resume"))
    assert not ProviderSwitch.objects.exists()
    assert operator.post(url.format("nobody", "pause")).status_code == 404
    assert operator.post(url.format("webhook", "break")).status_code == 404
    assert events("provider") == [
        ("operator", "pause", "webhook"),
        ("operator", "resume", "webhook"),
    ]


def test_an_open_breaker_is_closed_by_hand(operator: Client, providers):
    url = "/admin/delivery/notification/provider/twilio/close/"
    assert "Close twilio" not in operator.get("/admin/").content.decode()
    failed = Message("dlv_1", "sms", "+43660", Content(body="Hello"))
    outcome = Retry(Reason.PROVIDER_ERROR)
    breakers.report([Sent(failed, "twilio", outcome, 0.0, 0.0) for _ in range(20)])
    assert breakers.shut("twilio")
    page = operator.get("/admin/").content.decode()
    assert "Close twilio" in page and "Pause twilio" in page
    assert operator.post(url).status_code == 302
    assert not breakers.shut("twilio")
    assert "Close twilio" not in operator.get("/admin/").content.decode()
    assert events("provider") == [("operator", "close", "twilio")]


def test_a_provider_that_calls_too_many_dead_is_believed_by_hand(operator: Client, providers):
    url = "/admin/delivery/notification/provider/twilio/believe/"
    assert "Believe twilio" not in operator.get("/admin/").content.decode()
    message = Message("dlv_1", "sms", "+43660", Content(body="Hello"))
    gone = Refused(Reason.INVALID_ADDRESS, 400, "Twilio error 21211", disable_contact=True)
    flood = [Sent(message, "twilio", gone, 0.0, 0.0)] * 20
    assert address_guards.doubt(flood)[0].outcome.reason == Reason.MANY_DEAD_ADDRESSES
    page = operator.get("/admin/").content.decode()
    assert "20 addresses in a row were called dead" in page
    assert "Believe twilio" in page and "Close twilio" in page
    assert operator.post(url).status_code == 302
    assert "Believe twilio" not in operator.get("/admin/").content.decode()
    assert address_guards.doubt(flood * 5) == flood * 5
    assert events("provider") == [("operator", "believe", "twilio")]
    page = operator.get(reverse("admin:index")).content.decode()
    assert "for an hour an operator believes what it calls dead" in page


def test_a_topic_is_paused_and_resumed(shop: Shop, operator: Client):
    topic = shop.topic()
    do(operator, "pause", topic)
    assert Topic.objects.get().paused_at is not None
    do(operator, "resume", topic)
    assert Topic.objects.get().paused_at is None
    assert [event[1] for event in events("topic")] == ["pause", "resume"]


@pytest.fixture
def hundred_and_twenty(shop: Shop, work) -> None:
    people = [recipient(f"person-{number}") for number in range(120)]
    topic = shop.topic()
    for person in people:
        subscribe(topic, person, "inbox")
    shop.post("topics/news/publish", NEWS)
    work()


def ids(answer: Any) -> list[int]:
    return [row.pk for row in answer.context["cl"].result_list]


def test_a_list_is_walked_by_key_and_back(hundred_and_twenty, operator: Client):
    every = list(Delivery.objects.order_by("-id").values_list("pk", flat=True))
    url = reverse("admin:delivery_delivery_changelist")
    seen, pages = [], []
    query = ""
    while True:
        answer = operator.get(url + query)
        seen += ids(answer)
        pages.append(ids(answer))
        query = answer.context["cl"].older
        if not query:
            break
    assert seen == every
    assert [len(page) for page in pages] == [50, 50, 20]
    back = operator.get(url + answer.context["cl"].newer)
    assert ids(back) == pages[1]
    assert ids(operator.get(url + back.context["cl"].newer)) == pages[0]


def test_a_filter_looks_through_so_many_rows_and_says_so(
    hundred_and_twenty, operator: Client, monkeypatch
):
    monkeypatch.setattr(large_lists, "LOOK_THROUGH", 40)
    oldest = Delivery.objects.order_by("id").first()
    Delivery.objects.filter(pk=oldest.pk).update(state="failed")
    url = reverse("admin:delivery_delivery_changelist")
    query, found, looks = "?state=failed", [], 0
    while query:
        answer = operator.get(url + query)
        found += ids(answer)
        query, looks = answer.context["cl"].older, looks + 1
        if query:
            assert "Look further" in answer.content.decode()
            assert "Looked through 40 deliveries" in answer.content.decode()
    assert (found, looks) == ([oldest.pk], 4)
    one = operator.get(f"{url}?recipient_id={oldest.recipient_id}&state=failed")
    assert ids(one) == [oldest.pk], "an index leads to one person's"


def test_nothing_is_done_to_a_whole_table(hundred_and_twenty, operator: Client):
    url = reverse("admin:delivery_deadletter_changelist")
    body = {"action": "redrive", "select_across": "1", "index": "0", "_selected_action": 1}
    page = operator.post(url, body, follow=True).content.decode()
    assert "an action cannot be done to a whole table" in page


@pytest.mark.parametrize("query", ["?nonsense=2", "?before=x", "?recipient_id=x", "?state=%00"])
def test_a_query_that_cannot_be_read_leads_back_to_the_list(operator: Client, query: str):
    answer = operator.get(reverse("admin:delivery_delivery_changelist") + query)
    assert (answer.status_code, answer.headers["Location"][-4:]) == (302, "?e=1")


def test_the_why_page_asks_and_answers(shop: Shop, operator: Client, work):
    subscribe(shop.topic(), recipient("ada"), "inbox")
    posted = shop.post("topics/news/publish", NEWS)
    work()
    assert operator.get(reverse("admin:why")).status_code == 200

    def ask(**query: str) -> str:
        return operator.get(reverse("admin:why"), query).content.decode()

    assert "Yes: ada has it on inbox." in ask(user_id="ada", notification=posted["id"])
    assert "There is no recipient bob." in ask(user_id="bob", notification=posted["id"])
    assert "is a UUID" in ask(user_id="ada", notification="7")
    person = Recipient.objects.get()
    page = operator.get(reverse("admin:preferences_recipient_change", args=[person.pk]))
    assert posted["id"] in page.content.decode()


@pytest.fixture
def dead(shop: Shop, work, providers) -> list[Delivery]:
    """Three dead letters, since Twilio refuses our credentials; then it takes them again."""
    providers.client.behave("twilio", "401")
    for number in range(3):
        recipient(f"person-{number}", sms=f"+1202555010{number}")
    people = [f"person-{number}" for number in range(3)]
    shop.post("notifications", {"user_ids": people, "channels": ["sms"], **NEWS})
    work()
    providers.client.heal()
    found = list(Delivery.objects.filter(state="dead").order_by("id"))
    assert len(found) == 3
    return found


def states() -> list[str]:
    return list(Delivery.objects.order_by("id").values_list("state", flat=True))


def test_selected_dead_letters_are_redriven(dead, shop: Shop, operator: Client, wake, work):
    url = reverse("admin:delivery_deadletter_changelist")
    body = {"action": "redrive", "index": "0", "_selected_action": [dead[0].pk, dead[1].pk]}
    page = operator.post(url, body, follow=True).content.decode()
    assert "Redriven: 2." in page
    wake()
    work()
    assert states() == ["accepted", "accepted", "dead"]
    [event] = AuditEvent.objects.filter(action="redrive")
    assert sorted(event.after["names"]) == sorted(str(row.pk) for row in dead[:2])
    assert event.publisher_id == shop.id, "its trail has it"


def test_all_that_match_are_redriven_and_no_others(dead, operator: Client, onlooker: Client):
    url = reverse("admin:redrive_matching")
    assert onlooker.post(url).status_code == 403
    assert operator.get(url).status_code == 405
    operator.post(f"{url}?reason=timeout")
    operator.post(f"{url}?publisher_id=999999")
    operator.post(f"{url}?publisher_id=x")
    assert operator.post(f"{url}?topic_id=999999").status_code == 404
    assert states() == ["dead"] * 3
    query = f"?reason=authentication&channel=sms&publisher_id={Publisher.objects.get().pk}"
    listed = operator.get(reverse("admin:delivery_deadletter_changelist") + query)
    assert "Redrive all that match" in listed.content.decode()
    assert "Redriven: 3." in operator.post(url + query, follow=True).content.decode()
    assert states() == ["retrying"] * 3
    event = AuditEvent.objects.filter(action="redrive").latest("id")
    assert event.after == {"rows": 3, "match": {"reason": "authentication", "channel": "sms"}}


def test_the_few_that_match_among_many_are_redriven(dead, operator: Client, monkeypatch):
    monkeypatch.setattr(pagination, "LOOK_THROUGH", 1)
    DeadLetter.objects.filter(pk=dead[2].pk).update(reason="timeout")
    operator.post(f"{reverse('admin:redrive_matching')}?reason=timeout")
    assert states() == ["dead", "dead", "retrying"]


def test_a_topic_of_the_same_name_is_another_one(
    dead, shop: Shop, other_shop: Shop, operator: Client
):
    gone = shop.topic(deleted_at="2026-01-01T00:00:00Z")
    theirs = other_shop.topic()
    assert gone.name == theirs.name
    DeadLetter.objects.update(topic=gone)
    DeadLetter.objects.filter(pk=dead[1].pk).update(topic=theirs, publisher=other_shop.id)
    operator.post(f"{reverse('admin:redrive_matching')}?topic_id={theirs.pk}")
    assert states() == ["dead", "retrying", "dead"]
    event = AuditEvent.objects.get(action="redrive")
    assert (event.publisher_id, event.after) == (
        other_shop.id,
        {"rows": 1, "match": {"topic": "news"}},
    )


def test_one_dead_letter_is_redriven_from_its_page(dead, operator: Client):
    page = reverse("admin:delivery_delivery_change", args=[dead[2].pk])
    assert "because the provider refused our credentials" in operator.get(page).content.decode()
    do(operator, "redrive", dead[2])
    assert states() == ["dead", "dead", "retrying"]
    assert "Redrive" not in operator.get(page).content.decode()
    assert events("delivery") == [("operator", "redrive", str(dead[2].pk))]


def test_lost_addresses_are_restored_together(
    shop: Shop, operator: Client, onlooker: Client, providers, work
):
    providers.client.behave("fcm", "dead")
    person = recipient("ada", push_android="device-0001:APA91bHun4MxP5egoKMwt2KZFBa")
    shop.post("notifications", {"user_id": "ada", "channels": ["push"], **NEWS})
    work()
    lost = Contact.objects.get(recipient=person, channel="push")
    assert lost.state == "disabled"
    page = operator.get(reverse("admin:lost_addresses")).content.decode()
    assert "UNREGISTERED" in page
    assert "From (UTC)" in page and "To (UTC)" in page
    assert "Restore what fcm UNREGISTERED brought" in page
    assert "Restore what" not in onlooker.get(reverse("admin:lost_addresses")).content.decode()
    wanted = {"provider": "fcm", "error": "UNREGISTERED", "since": "2020-01-01T00:00", "until": ""}
    url = reverse("admin:restore_addresses")
    assert onlooker.post(url, wanted).status_code == 403
    assert operator.post(url, wanted | {"since": "junk"}).status_code == 302
    lost.refresh_from_db()
    assert lost.state == "disabled", "restored without a time that can be read"
    assert operator.post(url, wanted).status_code == 302
    lost.refresh_from_db()
    assert lost.state == "active"
    assert events("lost_addresses") == [("operator", "restore", "fcm")]
    assert DeadLetter.objects.get().reason == "many_dead_addresses"
    assert "Nothing was given up" in operator.get(reverse("admin:lost_addresses")).content.decode()


def test_a_row_without_an_error_restores_that_row_alone(shop: Shop, operator: Client):
    for name, error in (("ada", ""), ("bob", "UNREGISTERED")):
        person = recipient(name, push_android=f"device-{name}:APA91bHun4MxP5egoKMwt2KZFBa")
        Contact.objects.filter(recipient=person, channel="push").update(
            state="disabled",
            disabled_reason="dead_address",
            disabled_by="fcm",
            disabled_error=error,
            disabled_at=timezone.now(),
        )
    wanted = {"provider": "fcm", "error": "", "since": "2020-01-01T00:00", "until": ""}
    assert operator.post(reverse("admin:restore_addresses"), wanted).status_code == 302
    lost = Contact.objects.filter(channel="push", state="disabled")
    assert [row.disabled_error for row in lost] == ["UNREGISTERED"]


def test_a_span_that_cannot_be_read_is_said_to_be_none(operator: Client):
    page = operator.get(reverse("admin:lost_addresses"), {"since": "soon"})
    assert page.status_code == 200
    assert "Write times as" in page.content.decode()
