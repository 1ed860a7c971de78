"""A person whose every trait has a mark, planted through the public doors of the service."""

import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from django.test import Client
from rest_framework.test import APIClient

from apps.bulk import running as bulk_actions
from apps.bulk.models import BulkAction
from apps.delivery.models import StatusWebhook
from apps.delivery.status_webhooks import health
from apps.preferences.models import Contact, Recipient
from notifier.domain.states import TERMINAL
from notifier.security.tokens import sign
from tests.support.deliveries.links import browse, mails, one_click_url
from tests.support.deliveries.signed_receipts import (
    by_sendgrid,
    post_receipt,
    read_receipts,
    sendgrid_event,
)
from tests.support.deliveries.signed_replies import Phone
from tests.support.deliveries.status_webhooks import register_webhook
from tests.support.fakes.jwks_server import lasting
from tests.support.publishers import admin_actions
from tests.support.publishers.inboxes import SECRET
from tests.support.publishers.people import recipient
from tests.support.publishers.shop import Shop

MARK = "zqxmark"
ADA = f"{MARK}-ada"
MAIL = f"{MARK}-mail@example.com"
TOKEN = f"{MARK}-registration-token"
PHONE = "+4366055512345"
PLAIN = {"title": "To several", "body": "people"}
#: Reports of deliveries that a status webhook chose.
EVENTS = [str(state) for state in TERMINAL] + ["message.received", "preference.changed"]
TEMPLATE = {
    "name": "hello",
    "default_locale": "en",
    "contents": [
        {"channel": channel, "locale": "en", "title": "Hi", "body": "{{ word }} to you"}
        for channel in ("push", "inbox")
    ],
}


def marked(about: str) -> dict[str, Any]:
    """A content with marks in each of its parts."""
    return {
        "title": f"{about} {MARK} title",
        "body": f"{MARK} body",
        "data": {"order": f"{MARK}-metadata"},
    }


def exported(shop: Shop) -> Any:
    """Return the export about the person."""
    answer = shop.http.get(f"/v1/recipients/{ADA}/export")
    assert answer.status_code == 200
    return json.loads(answer.getvalue())


@dataclass
class Traces:
    """Traces of the person: marks in texts, the ids of their rows, hashes of addresses."""

    marks: list[str]
    recipient_id: int
    contact_ids: list[int]
    indexes: list[bytes]


class Person:
    """Plants the marks of one person, with a publisher, workers, a phone and an operator."""

    def __init__(self, shop: Shop, work: Callable[[], None], phone: Phone, outside: Any) -> None:
        self.shop, self.work, self.phone, self.outside = shop, work, phone, outside
        self.ids: dict[str, str] = {}

    def plant(self, operator: Client) -> None:
        """Leave marks everywhere."""
        self.register()
        self.join()
        self.send()
        self.act(operator)
        self.match(operator)
        self.wait()
        self.die()

    def put(self, path: str, body: Any, status: int = 200) -> Any:
        answer = self.shop.http.put(f"/v1/{path}", body, format="json")
        assert answer.status_code == status, answer.json()
        return answer.json()

    def notify(self, name: str, **fields: Any) -> Any:
        """Post a notification to the person under an idempotency key; its answer."""
        known = {"reference": f"{MARK}-{name}", "metadata": {"order": f"{MARK}-{name}"}}
        body = {"user_id": ADA, "content": marked(name), **known, **fields}
        posted = self.shop.post("notifications", body, **{"Idempotency-Key": f"{MARK}-{name}"})
        self.ids[name] = posted["id"]
        return posted

    def notify_both(self, name: str, **fields: Any) -> None:
        """Post a notification to the person and to bob."""
        body = {"user_ids": [ADA, "bob"], "content": PLAIN, **fields}
        self.ids[name] = self.shop.post("notifications", body)["id"]

    def register(self) -> None:
        """Register the person: first without addresses, so that an answer names them."""
        self.put(f"recipients/{ADA}", {}, status=201)
        recipient("bob", email="bob@example.com")
        warned = self.notify("warned", channels=["sms"])
        assert ADA in str(warned["warnings"])
        hook = f"{self.outside.config['webhook']['base_url']}/{MARK}"
        made = self.put(
            f"recipients/{ADA}",
            {
                "name": f"{MARK} Lovelace",
                "attributes": {"city": f"{MARK}-city"},
                "devices": [{"platform": "android", "token": TOKEN}],
                "email": MAIL,
                "phone": PHONE,
                "contacts": [{"channel": "webhook", "address": hook}],
                "preferences": [{"category": "offers", "allowed": False}],
                "frequency_caps": [{"channel": "push", "limit": 50, "per": "day"}],
                "digests": [{"category": "letters", "cadence": "daily"}],
            },
        )
        self.outside.client.register_webhook(MARK, made["secrets"][0]["secret"])
        windows = [{"days": ["mon"], "from": "03:00", "to": "03:01"}]
        self.put(f"recipients/{ADA}/quiet-hours", {"windows": windows})

    def join(self) -> None:
        """Subscribe them, by name and by address alone; put them into a group and schedules."""
        shop, subscriptions = self.shop, "topics/news/subscriptions"
        shop.post("topics", {"name": "news"}, status=201)
        named = {"user_id": ADA, "channels": ["push", "email", "inbox"]}
        shop.post(subscriptions, named, status=200)
        shop.post(subscriptions, {"channel": "email", "address": MAIL}, status=200)
        shop.post(subscriptions, {"user_id": "bob", "channels": ["email"]}, status=200)
        self.put("groups/team", {}, status=201)
        shop.post("groups/team/members", {"user_ids": [ADA, "bob"]}, status=200)
        for name, notification in {
            "own": {"user_id": ADA, "content": marked("own")},
            "both": {"user_ids": [ADA, "bob"], "content": PLAIN},
        }.items():
            timing = {"name": name, "cron": "0 8 1 1 *", "time_zone": "UTC"}
            shop.post("schedules", {**timing, "notification": notification}, status=201)

    def send(self) -> None:
        """Let notifications be sent, reported on and replied to."""
        shop, work = self.shop, self.work
        webhook = register_webhook(shop, self.outside, *EVENTS)
        health.send_test(StatusWebhook.objects.get(pk=webhook["id"]))
        self.notify("everywhere", channels=["push", "sms", "email", "webhook", "inbox"])
        self.notify(
            "keyed", channels=["push"], ordering_key=f"{MARK}-line", collapse_key=f"{MARK}-collapse"
        )
        self.notify_both("shared", channels=["email"])
        shop.post("topics/news/publish", {"content": PLAIN})
        shop.post("templates", TEMPLATE, status=201)
        template = {"name": "hello", "variables": {"word": f"{MARK}-variable"}}
        beside = {"source": f"{MARK}-source"}
        made = {"channels": ["push", "inbox"], "template": template, "content": beside}
        shop.post("notifications", {"user_id": ADA, **made})
        work()
        rows = shop.get(f"notifications/{self.ids['everywhere']}/deliveries")["data"]
        [mail] = [row["id"] for row in rows if row["channel"] == "email"]
        reason = f"550 5.1.1 no mailbox {MAIL}"
        bounced = sendgrid_event(mail, "bounce", int(time.time()), type="bounce", reason=reason)
        post_receipt(by_sendgrid(bounced))
        read_receipts()
        self.phone.write(f"{MARK} I write back")
        self.phone.write("STOP")
        work()

    def act(self, operator: Client) -> None:
        """Let the person change things themselves, and an operator change theirs."""
        app = APIClient()
        token = sign(lasting({"sub": ADA}), SECRET)
        app.credentials(HTTP_AUTHORIZATION=f"Bearer {token}")
        [first, second, *_] = app.get("/v1/inbox").json()["data"]
        for item, status in ((first, "acknowledged"), (second, "deleted")):
            body = {"ids": [item["id"]], "status": status}
            assert app.post("/v1/inbox/status", body, format="json").status_code == 200
        acknowledge = f"/v1/notifications/{self.ids['everywhere']}/acknowledge"
        assert app.post(acknowledge).status_code == 200
        [mail, *_] = [one for one in mails(self.outside) if "title" in one["subject"]]
        assert browse(one_click_url(mail)).status_code == 200
        assert app.patch("/v1/me", {"locale": "de"}, format="json").status_code == 200
        assert app.post("/v1/inbox/stream/ticket").status_code == 201
        person = Recipient.objects.get(user_id=ADA)
        form = {"locale": "fr", "time_zone": "UTC", "quiet_hours": "null"}
        page = f"/admin/preferences/recipient/{person.pk}/change/"
        assert operator.post(page, form).status_code == 302

    def match(self, operator: Client) -> None:
        """Let bulk actions be done to what tells of them: by the publisher, and by an operator."""
        match = {"reference": f"{MARK}-everywhere"}
        self.shop.post("bulk-actions", {"action": "cancel", "match": match})
        person = Recipient.objects.get(user_id=ADA)
        query = f"recipient_id={person.pk}&channel=sms"
        assert "It is begun" in admin_actions.begin(operator, "release", f"?{query}")
        assert BulkAction.objects.count() == 2
        bulk_actions.tick()

    def wait(self) -> None:
        """Let some wait: for later, alone and with others, for a digest, and for an attempt."""
        later = (datetime.now(UTC) + timedelta(days=100)).isoformat()
        self.notify("later", channels=["push", "inbox"], send_at=later)
        edited = {"reference": f"{MARK}-edited", "metadata": {"order": f"{MARK}-edited"}}
        page = f"/v1/notifications/{self.ids['later']}"
        assert self.shop.http.patch(page, edited, format="json").status_code == 200
        self.notify_both("both-later", channels=["inbox"], send_at=later)
        for number in range(2):
            digest = {"key": f"{MARK}-digest", "window": 3600}
            self.notify(f"digest-{number}", channels=["push"], digest=digest)
        self.work()
        self.device("sandbox-503x9")
        self.notify("retrying", channels=["push"])
        self.work()

    def die(self) -> None:
        """Let one become a dead letter."""
        self.device("sandbox-401")
        self.notify("dead", channels=["push"])
        self.work()

    def device(self, behaviour: str) -> None:
        """Register a browser at which the provider misbehaves."""
        body = {"platform": "web", "token": f"{TOKEN}-{behaviour}"}
        self.shop.post(f"recipients/{ADA}/devices", body, status=201)

    def traces(self) -> Traces:
        """Return the traces of the person as they are now."""
        person = Recipient.objects.get(user_id=ADA)
        bare = Contact.objects.filter(recipient=None, channel="email")
        contacts = [*Contact.objects.filter(recipient=person), *bare]
        personal = {one.masked for one in contacts if one.channel in ("sms", "email", "push")}
        return Traces(
            marks=[MARK, PHONE.lstrip("+"), *personal],
            recipient_id=person.pk,
            contact_ids=[one.pk for one in contacts],
            indexes=[bytes(one.address_index) for one in contacts],
        )
