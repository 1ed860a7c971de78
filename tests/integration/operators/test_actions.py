"""Operators' actions on one row, a provider or a topic, each in the audit trail."""

import asyncio
import threading
from collections.abc import Callable
from datetime import timedelta

from django.contrib.auth.models import Permission, User
from django.db import connection
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from apps.delivery.flow import address_guards, breakers
from apps.delivery.models import Delivery, Notification, ProviderSwitch
from apps.preferences.models import Contact
from apps.publishers.models import AuditEvent, Publisher
from apps.topics.models import Topic
from notifier.dispatch.dispatcher import Sent
from notifier.domain.messages import Content, Message
from notifier.domain.outcomes import Accepted, Outcome, Reason, Refused, Retry
from notifier.providers.base import Provider
from stack.supervision.process import PATIENCE
from tests.support.publishers.admin_actions import NEWS, do, events
from tests.support.publishers.people import recipient, subscribe
from tests.support.publishers.shop import Shop

ADDRESS = "ada.lovelace@example.com"


def test_a_cancelled_notification_is_not_sent(shop: Shop, operator: Client):
    subscribe(shop.topic(), recipient("ada"), "inbox")
    posted = shop.post("topics/news/publish", NEWS)
    row = Notification.objects.get()
    assert do(operator, "cancel", row).status_code == 302
    assert shop.get(f"notifications/{posted['id']}")["state"] == "cancelled"
    assert events("notification") == [("operator", "cancel", posted["id"])]
    do(operator, "cancel", row)
    assert len(events("notification")) == 1


def test_a_scheduled_notification_is_moved(shop: Shop, operator: Client):
    recipient("ada")
    later = (timezone.now() + timedelta(hours=1)).isoformat()
    body = {"user_id": "ada", "channels": ["inbox"], "send_at": later, **NEWS}
    row = Notification.objects.get(pk=shop.post("notifications", body)["id"])
    url = reverse("admin:delivery_notification_do", args=[row.pk, "move"])
    tomorrow = timezone.localtime(timezone.now() + timedelta(days=1)).replace(second=0)
    page = operator.post(url, {"reason": f"{tomorrow:%Y-%m-%dT%H:%M}"}, follow=True)
    assert f"It will be sent at {tomorrow:%Y-%m-%d %H:%M}." in page.content.decode()
    row.refresh_from_db()
    assert row.send_at == tomorrow.replace(microsecond=0)
    assert events("notification") == [("operator", "update", str(row.pk))]
    for wrong in ("soon", "2027-13-01T10:00", "2999-01-01T10:00", "9999-12-31T23:59"):
        answer = operator.post(url, {"reason": wrong}, follow=True)
        assert "It was not moved" in answer.content.decode()
    assert Notification.objects.get(pk=row.pk).send_at == row.send_at


def test_a_notification_is_sent_again_to_those_who_did_not_get_it(
    shop: Shop, operator: Client, work, providers
):
    providers.client.behave("twilio", "401")
    recipient("ada", sms="+12025550100")
    body = {"user_id": "ada", "channels": ["sms", "inbox"], **NEWS}
    row = Notification.objects.get(pk=shop.post("notifications", body)["id"])
    work()
    providers.client.heal()
    Delivery.objects.filter(channel="inbox").update(state="failed")
    dead = Delivery.objects.get(state="dead")
    page = reverse("admin:delivery_notification_change", args=[row.pk])
    assert "Send it again to those who did not get it" in operator.get(page).content.decode()
    assert do(operator, "replay", row).status_code == 302
    new = Notification.objects.get(replay_of=row.pk)
    assert str(new.pk) in operator.get(page).content.decode()
    other = reverse("admin:delivery_notification_change", args=[new.pk])
    assert str(row.pk) in operator.get(other).content.decode()
    work()
    states = Delivery.objects.filter(notification=new).values_list("state", flat=True)
    assert sorted(states) == ["accepted", "delivered"]
    assert events("notification") == [("operator", "replay", str(row.pk))]
    its_page = reverse("admin:delivery_delivery_change", args=[dead.pk])
    assert "Redrive" not in operator.get(its_page).content.decode(), "it would be sent twice"
    url = reverse("admin:delivery_notification_do", args=[row.pk, "replay"])
    answer = operator.post(url, follow=True).content.decode()
    assert "It was not sent again: There is nobody" in answer
    Notification.objects.filter(pk=row.pk).update(expires_at=row.created_at)
    answer = operator.post(url, follow=True).content.decode()
    assert "It was not sent again: It expired" in answer


class Held(Provider):
    """Accept once ``may`` is set."""

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
    onlooker.force_login(user)  # other permissions ended the session
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
    problem = shop.get("topics", status=403)
    assert problem["type"] == "/problems/inactive-publisher"
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
    assert address_guards.check_answers(flood)[0].outcome.reason == Reason.MANY_DEAD_ADDRESSES
    page = operator.get("/admin/").content.decode()
    assert "20 addresses in a row were called dead" in page
    assert "Believe twilio" in page and "Close twilio" in page
    assert operator.post(url).status_code == 302
    assert "Believe twilio" not in operator.get("/admin/").content.decode()
    assert address_guards.check_answers(flood * 5) == flood * 5
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
