"""A provider that remembers what it was given, and digests that close."""

from typing import Any

import pytest

from apps.delivery.models import Delivery, Notification, NotificationKind
from notifier.domain.outcomes import Accepted
from tests.support.fakes.scripted_provider import Scripted
from tests.support.publishers.shop import Shop

HOUR = {"key": "comments", "window": 3600}


class Push(Scripted):
    calls: list[str] = []
    taken: list[Any] = []

    async def send(self, message: Any) -> Any:
        outcome = await super().send(message)
        if isinstance(outcome, Accepted):
            self.taken.append(message)
        return outcome


class Mail(Push):
    calls: list[str] = []
    taken: list[Any] = []


@pytest.fixture
def carriers(settings: Any) -> None:
    """Providers of push and email that accept everything unless a test says otherwise."""
    settings.PROVIDERS = {
        "fcm": {"class": f"{__name__}.Push", "channel": "push"},
        "sendgrid": {"class": f"{__name__}.Mail", "channel": "email"},
        "inbox": settings.PROVIDERS["inbox"],
    }
    for kind in (Push, Mail):
        kind.calls, kind.taken = [], []
        kind.answer = staticmethod(lambda message: Accepted("id"))


def post(shop: Shop, number: int = 1, **body: Any) -> Any:
    """Post a comment to ada by push, to be told with others within an hour."""
    content = {"title": f"Comment {number}", "body": f"Text {number}"}
    whole = {"user_id": "ada", "channels": ["push"], "content": content, "digest": HOUR, **body}
    return shop.post("notifications", whole)


def close_digests() -> int:
    """Let the time of every open digest have come; how many there are."""
    waiting = Delivery.objects.filter(
        notification__kind=NotificationKind.DIGEST, state="retrying", reason="digest"
    )
    return waiting.update(next_attempt_at="2020-01-01T00:00:00Z")


def telling(item: Delivery) -> Delivery:
    """The delivery that tells another one."""
    return Delivery.objects.get(pk=item.told_in)


def deliveries(posted: dict[str, Any], channel: str = "push") -> list[Delivery]:
    """The deliveries of a notification on a channel."""
    return list(Delivery.objects.filter(notification_id=posted["id"], channel=channel))


def delivery(posted: dict[str, Any], channel: str = "push") -> Delivery:
    """The only delivery of a notification on a channel."""
    (found,) = deliveries(posted, channel)
    return found


def state_and_reason(posted: dict[str, Any], channel: str = "push") -> tuple[str, str]:
    """The state and reason of the only delivery of a notification on a channel."""
    row = delivery(posted, channel)
    return row.state, row.reason


def digests() -> list[Notification]:
    """The notifications of all digests, the oldest first."""
    return list(Notification.objects.filter(kind=NotificationKind.DIGEST).order_by("pk"))
