"""Changes of a publisher's deliveries, found by polling the API."""

import json
import uuid
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import groupby, islice
from typing import Any

from notifier_client import Delivery, Notification, NotifierClient

STATES = (
    *("accepted", "delivered", "bounced", "failed", "dead"),
    *("unknown", "suppressed", "expired", "cancelled"),
)
#: Newest notifications that are polled: a page of the list, and one request.
NEWEST = 200
#: Deliveries in one message at most, as the service has them.
AT_ONCE = 50


@dataclass(frozen=True, slots=True)
class Event:
    """A message as a status webhook gets it: its id, and the bytes that are signed."""

    id: str
    type: str
    deliveries: list[dict[str, Any]]
    body: bytes


class Watch:
    """Looks at the newest notifications, and finds what has changed since it was made."""

    def __init__(self, client: NotifierClient, states: Collection[str]) -> None:
        self._client = client
        self._states = states
        self._began = datetime.now(UTC)
        self._counts = {one.id: one.counts for one in self._newest()}
        #: Ids of notifications that were there at the start: their deliveries' states are left out.
        self._old = set(self._counts)
        self._known: dict[str, str] = {}
        self._news: list[dict[str, Any]] = []

    def poll(self) -> Iterator[Event]:
        """Iterate over the messages about what is new.

        Raises ``NotifierError``; what was found before comes with the next poll.
        """
        for notification in reversed(self._newest()):
            if self._counts.get(notification.id) != notification.counts:
                self._read(notification)
                self._counts[notification.id] = notification.counts
        news, self._news = self._news, []
        news.sort(key=lambda reported: reported["state"])
        for state, found in groupby(news, key=lambda reported: reported["state"]):
            reported = list(found)
            for start in range(0, len(reported), AT_ONCE):
                yield _event(state, reported[start : start + AT_ONCE])

    def _newest(self) -> list[Notification]:
        return list(islice(self._client.list_notifications(), NEWEST))

    def _read(self, notification: Notification) -> None:
        """Note what has become of a notification's deliveries since they were read last."""
        for delivery in self._client.deliveries(notification.id):
            if self._known.get(delivery.id) == delivery.state:
                continue
            self._known[delivery.id] = delivery.state
            news = notification.id not in self._old or delivery.updated_at >= self._began
            if news and delivery.state in self._states:
                self._news.append(_report(notification, delivery))


def _report(notification: Notification, delivery: Delivery) -> dict[str, Any]:
    return {
        "delivery_id": delivery.id,
        "notification_id": notification.id,
        "reference": notification.reference,
        "metadata": dict(notification.metadata),
        "topic": notification.topic or "",
        "channel": delivery.channel,
        "user_id": delivery.user_id or "",
        "state": delivery.state,
        "reason": delivery.reason,
        "at": _utc(delivery.updated_at),
    }


def _event(state: str, deliveries: list[dict[str, Any]]) -> Event:
    message: dict[str, Any] = {
        "type": f"delivery.{state}",
        "timestamp": _utc(datetime.now(UTC)),
        "data": {"deliveries": deliveries},
    }
    body = json.dumps(message, ensure_ascii=False, separators=(",", ":")).encode()
    return Event(f"listen_{uuid.uuid4().hex}", message["type"], deliveries, body)


def _utc(at: datetime) -> str:
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z")
