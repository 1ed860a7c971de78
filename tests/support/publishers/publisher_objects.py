"""One of everything that a publisher may own, and the path parameters that name it."""

from datetime import timedelta
from itertools import pairwise
from typing import Any

from django.utils import timezone

from apps.delivery.models import DeadLetter, Delivery
from apps.inbox import services as inbox
from apps.inbox.models import InboxItem
from apps.preferences.models import Recipient
from apps.publishers.models import Publisher
from notifier.domain.messages import Content, Message
from notifier.domain.states import DeliveryState
from tests.support.publishers.api_client import Api

#: A part of every text of the owner's that is no name: nobody else may read it.
WORD = "Zanzibar"
TOPIC = "owned-topic"


def create_one_of_everything(api: Api, other: Api) -> dict[str, str]:
    """Make ``api``'s publisher own one of everything; its name by the part of the path before.

    ``{"topics": "owned-topic", …}``: in ``/v1/topics/{name}`` the topic's name. ``other``'s
    publisher is granted nothing.
    """
    api.post("topics", {"name": TOPIC, "display_name": WORD, "requires_confirmation": True}, 201)
    api.put("recipients/ada", {"locale": "de-AT"}, 201)
    contact = {"channel": "email", "address": "ada@example.com"}
    device = {"platform": "android", "token": "token-of-ada:0123456789", "app": "com.example.shop"}
    someone = {"user_id": "ada", "channels": ["email"]}
    translations = [{"channel": "inbox", "locale": "en", "title": WORD, "body": WORD}]
    contents = {"default_locale": "en", "contents": translations}
    url = "https://owner.example.com/hooks"
    found = {
        "topics": TOPIC,
        "grants": other.name,
        "receipts": "twilio",
        "replies": "twilio",
        "recipients": "ada",
        "contacts": api.post("recipients/ada/contacts", contact, 201)["id"],
        "devices": api.post("recipients/ada/devices", device, 201)["id"],
        "api-keys": api.post("api-keys", {"name": WORD, "scopes": ["topics:read"]}, 201)["prefix"],
        "categories": api.put("categories/shared", {}, 201)["name"],
        "groups": api.put("groups/owned-group", {"display_name": WORD}, 201)["name"],
        "templates": api.post("templates", {"name": "owned-template", **contents}, 201)["name"],
        "status-webhooks": api.post("status-webhooks", {"url": url, "events": ["dead"]}, 201)["id"],
    }
    found["schedules"] = _schedule(api)
    subscribed = api.post(f"topics/{TOPIC}/subscriptions", someone)
    found["subscriptions"] = subscribed["subscriptions"][0]["id"]
    api.post("groups/owned-group/members", {"user_ids": ["ada"]})
    api.put("recipients/bob", {}, 201)
    found["erasures"] = api.delete("recipients/bob", 202)["id"]
    said = {"content": {"title": WORD}, "send_at": _later(), "channels": ["inbox"]}
    posted = api.post("notifications", {"user_id": "ada", **said}, 202)
    api.post(f"topics/{TOPIC}/publish", {"content": {"title": WORD}}, 202)
    found["notifications"] = posted["id"]
    found["inbox"] = _inbox_item(posted["id"])
    found["dead-letters"] = found["deliveries"] = _dead_letter(api.name, posted["id"])
    wanted = {"action": "release", "match": {"reason": "timeout"}}
    found["bulk-actions"] = api.post("bulk-actions", wanted, 202)["id"]
    unwanted = {"channel": "sms", "address": "+4366012345678"}
    found["suppressions"] = api.post("suppressions", unwanted, 201)["id"]
    return {part: str(value) for part, value in found.items()}


def _schedule(api: Api) -> str:
    """A schedule of the publisher's, by its name."""
    body = {"name": "owned-schedule", "cron": "0 9 * * *", "time_zone": "UTC", "topic": TOPIC}
    made = api.post("schedules", {**body, "notification": {"content": {"title": WORD}}}, 201)
    return str(made["name"])


def _later() -> str:
    return (timezone.now() + timedelta(hours=1)).isoformat()


def _inbox_item(notification_id: str) -> int:
    """An item of the notification in the recipient's inbox."""
    message = Message(
        "dlv_1",
        "inbox",
        "ada",
        Content(title=WORD),
        user_id="ada",
        notification_id=notification_id,
        recipient_id=Recipient.objects.get(user_id="ada").pk,
    )
    inbox.write([message])
    return InboxItem.objects.get(delivery_id=1).pk


def _dead_letter(publisher: str, notification_id: str) -> str:
    """A dead delivery of the notification, and how the API names it."""
    now = timezone.now()
    dead = Delivery.objects.create(
        notification_id=notification_id,
        claim_id=1,
        recipient_id=Recipient.objects.get(user_id="ada").pk,
        channel="inbox",
        priority="normal",
        state=DeliveryState.DEAD,
        reason=WORD,
        provider="inbox",
        created_at=now,
        updated_at=now,
    )
    owner = Publisher.objects.get(name=publisher)
    DeadLetter.objects.create(
        delivery=dead, publisher=owner, channel="inbox", provider="inbox", reason=WORD, died_at=now
    )
    return dead.public_id


def path_parameters(path: str, found: dict[str, Any]) -> dict[str, Any]:
    """The path's parameters and their values from ``found``.

    Raises ``KeyError`` where one has no value.
    """
    parts = path.split("/")
    return {part[1:-1]: found[before] for before, part in pairwise(parts) if part.startswith("{")}
