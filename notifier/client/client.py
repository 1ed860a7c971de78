"""The client: one method for each thing the API does."""

import time
import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, Self
from urllib.parse import quote

from notifier.client.errors import StillSending, from_problem
from notifier.client.rows import (
    BatchResult,
    Contact,
    Delivery,
    Device,
    Draft,
    Notification,
    Preference,
    Recipient,
    RecipientResult,
    Row,
    Subscriber,
    Subscription,
    SubscriptionResult,
    Topic,
    read,
)
from notifier.client.transport import Answer, Transport

#: As many as the API takes in one call.
BULK = 1_000
PAGE = 200


class NotifierClient:
    """The API at ``base_url`` (without ``/v1``), used with ``api_key``.

    Requests that can be repeated safely are: on connection errors, 429, 502, 503 and 504, with
    growing, jittered waits, for at most ``retry_for`` seconds. Publishing is always safe, since it
    carries an Idempotency-Key. Other errors are raised at once, as a ``NotifierError``.
    ``timeout``: seconds that one request may take.
    """

    def __init__(
        self, base_url: str, api_key: str, *, timeout: float = 15.0, retry_for: float = 30.0
    ) -> None:
        self._http = Transport(
            base_url, api_key, timeout=timeout, retry_for=retry_for, user_agent="notifier-client/1"
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    # -- Publish ------------------------------------------------------------------------------

    def notify_users(
        self,
        user_ids: Sequence[str],
        *,
        title: str | None = None,
        body: str | None = None,
        data: Mapping[str, Any] | None = None,
        actions: Mapping[str, str] | None = None,
        priority: str | None = None,
        channels: Sequence[str] | None = None,
        send_at: datetime | None = None,
        expires_at: datetime | None = None,
        collapse_key: str | None = None,
        idempotency_key: str | None = None,
    ) -> Notification:
        """Notify 1 to 1,000 recipients; see ``Draft`` for the fields.

        Once it returns, the notification is stored and will be delivered or accounted for.
        ``idempotency_key``: your own name of the event, so that a restarted job does not tell
        anybody twice; without it one is made for this call.

            client.notify_users(["ada"], body="Your code is 123 456.", priority="high",
                                channels=["sms"], expires_at=now + timedelta(minutes=5))
        """
        draft = Draft(
            user_ids=user_ids,
            title=title,
            body=body,
            data=data,
            actions=actions,
            priority=priority,
            channels=channels,
            send_at=send_at,
            expires_at=expires_at,
            collapse_key=collapse_key,
        )
        return self._publish("/v1/notifications", draft, idempotency_key)

    def publish(
        self,
        topic: str,
        *,
        title: str | None = None,
        body: str | None = None,
        data: Mapping[str, Any] | None = None,
        actions: Mapping[str, str] | None = None,
        priority: str | None = None,
        channels: Sequence[str] | None = None,
        send_at: datetime | None = None,
        expires_at: datetime | None = None,
        collapse_key: str | None = None,
        idempotency_key: str | None = None,
    ) -> Notification:
        """Notify everybody subscribed to ``topic``, on the channels they chose.

        client.publish("order-updates", title="Shipped", body="Order 7 is on its way.")
        """
        draft = Draft(
            title=title,
            body=body,
            data=data,
            actions=actions,
            priority=priority,
            channels=channels,
            send_at=send_at,
            expires_at=expires_at,
            collapse_key=collapse_key,
        )
        return self._publish(f"/v1/topics/{_segment(topic)}/publish", draft, idempotency_key)

    def notify_batch(
        self, drafts: Sequence[Draft], *, idempotency_key: str | None = None
    ) -> list[BatchResult]:
        """Up to 1,000 different notifications in one call, with a result each in their order.

        client.notify_batch([Draft(user_ids=["ada"], body="1"), Draft(user_ids=["bo"], body="2")])
        """
        answer = self._http.request(
            "POST",
            "/v1/notifications/batch",
            {"notifications": [draft.body_of() for draft in drafts]},
            key=idempotency_key or _new_key(),
        )
        return [read(BatchResult, _with_problem(result)) for result in answer.body["results"]]

    def get_notification(self, notification_id: str) -> Notification:
        """Its state, and its deliveries counted by channel and state."""
        answer = self._http.request("GET", f"/v1/notifications/{notification_id}")
        return read(Notification, answer.body)

    def list_notifications(self) -> Iterator[Notification]:
        """Your notifications, newest first."""
        return self._pages(Notification, "/v1/notifications")

    def deliveries(
        self, notification_id: str, *, state: str | None = None, channel: str | None = None
    ) -> Iterator[Delivery]:
        """Its deliveries with every attempt, read a page at a time as they are iterated.

        for delivery in client.deliveries(posted.id, state="failed"):
            print(delivery.user_id, delivery.reason, delivery.attempts)
        """
        path = f"/v1/notifications/{notification_id}/deliveries"
        return self._pages(Delivery, path, state=state, channel=channel)

    def cancel(self, notification_id: str) -> Notification:
        """Stop what has not been sent. What is being sent right now cannot be called back."""
        answer = self._http.request("POST", f"/v1/notifications/{notification_id}/cancel")
        return read(Notification, answer.body)

    def wait(self, notification_id: str, timeout: float = 60.0) -> Notification:
        """The notification once nothing more is to be sent.

        Raises ``StillSending`` after ``timeout`` seconds.
        """
        deadline = time.monotonic() + timeout
        pause = 0.05
        while not (found := self.get_notification(notification_id)).done:
            if time.monotonic() + pause > deadline:
                raise StillSending(
                    f"After {timeout:g} s notification {notification_id} is {found.state}: "
                    f"{dict(found.counts)}."
                )
            time.sleep(pause)
            pause = min(1.0, pause * 1.5)
        return found

    # -- Topics -------------------------------------------------------------------------------

    def create_topic(self, name: str, **fields: Any) -> Topic:
        """Create a topic. ``fields`` are those of ``update_topic``.

        Raises ``Conflict`` where the name is taken.

            client.create_topic("offers", category="marketing", default_priority="low")
        """
        answer = self._http.request(
            "POST", "/v1/topics", {"name": name, **fields}, repeatable=False
        )
        return read(Topic, answer.body)

    def get_topic(self, name: str) -> Topic:
        """A topic that you own or were granted."""
        return read(Topic, self._http.request("GET", f"/v1/topics/{_segment(name)}").body)

    def list_topics(self) -> Iterator[Topic]:
        """The topics you own or were granted, oldest first."""
        return self._pages(Topic, "/v1/topics")

    def update_topic(self, name: str, **fields: Any) -> Topic:
        """Change a topic of yours: ``display_name``, ``category``, ``default_priority``,
        ``mandatory``, ``retry_policy`` (``{"schedule": [seconds, …]}``), ``delay`` (seconds)."""
        return read(Topic, self._http.request("PATCH", f"/v1/topics/{_segment(name)}", fields).body)

    def delete_topic(self, name: str) -> None:
        """Delete a topic of yours. What was accepted before is still delivered."""
        self._http.request("DELETE", f"/v1/topics/{_segment(name)}", repeatable=False)

    def grant(self, topic: str, publisher: str) -> None:
        """Let another publisher read a topic of yours and publish to it."""
        self._http.request("PUT", f"/v1/topics/{_segment(topic)}/grants/{_segment(publisher)}")

    def revoke(self, topic: str, publisher: str) -> None:
        """Take a grant back, from the next request on."""
        self._http.request("DELETE", f"/v1/topics/{_segment(topic)}/grants/{_segment(publisher)}")

    # -- Subscriptions ------------------------------------------------------------------------

    def subscribe(
        self,
        topic: str,
        *,
        user_id: str | None = None,
        channels: Sequence[str] | None = None,
        channel: str | None = None,
        address: str | None = None,
        platform: str | None = None,
        app: str | None = None,
        secret: str | None = None,
    ) -> list[Subscription]:
        """Subscribe a recipient on channels, or a bare endpoint. Twice changes nothing.

        client.subscribe("order-updates", user_id="ada", channels=["push", "inbox"])
        client.subscribe("order-updates", channel="email", address="desk@example.com")
        """
        subscriber = Subscriber(
            user_id=user_id,
            channels=channels,
            channel=channel,
            address=address,
            platform=platform,
            app=app,
            secret=secret,
        )
        answer = self._http.request("POST", _subscriptions(topic), subscriber.body_of())
        return [read(Subscription, row) for row in answer.body["subscriptions"]]

    def subscribe_many(
        self, topic: str, subscribers: Iterable[Subscriber]
    ) -> list[SubscriptionResult]:
        """Subscribe any number, 1,000 a call, with a result each in their order.

        client.subscribe_many("offers", [Subscriber(user_id="ada", channels=["email"]), …])
        """
        return self._bulk(
            SubscriptionResult,
            _subscriptions(topic),
            "subscriptions",
            (subscriber.body_of() for subscriber in subscribers),
        )

    def unsubscribe(
        self,
        topic: str,
        *,
        user_id: str | None = None,
        channels: Sequence[str] | None = None,
        channel: str | None = None,
        address: str | None = None,
        platform: str | None = None,
    ) -> int:
        """End a recipient's subscriptions on some channels or all, or a bare endpoint's.

        Returns how many ended; 0 where they had ended before.
        """
        who = Subscriber(
            user_id=user_id, channels=channels, channel=channel, address=address, platform=platform
        )
        path = f"/v1/topics/{_segment(topic)}/unsubscribe"
        return int(self._http.request("POST", path, who.body_of()).body["unsubscribed"])

    def list_subscriptions(
        self, topic: str, *, state: str | None = None, channel: str | None = None
    ) -> Iterator[Subscription]:
        """A topic's subscriptions, oldest first, read a page at a time as they are iterated."""
        return self._pages(Subscription, _subscriptions(topic), state=state, channel=channel)

    # -- Recipients ---------------------------------------------------------------------------

    def upsert_recipient(
        self,
        user_id: str,
        *,
        locale: str | None = None,
        time_zone: str | None = None,
        devices: Sequence[Device] = (),
        contacts: Sequence[Contact] = (),
        preferences: Sequence[Preference] = (),
    ) -> Recipient:
        """Create or change a recipient; what is left out stays as it is. Everybody has an inbox.

        client.upsert_recipient("ada", time_zone="Europe/Vienna",
                                devices=[Device("ios", token)],
                                contacts=[Contact("email", "ada@example.com")])
        """
        person = Recipient(user_id, locale, time_zone, devices, contacts, preferences)
        answer = self._http.request("PUT", _recipient(user_id), person.body_of())
        return read(Recipient, answer.body)

    def upsert_recipients(self, recipients: Iterable[Recipient]) -> list[RecipientResult]:
        """Create or change any number, 1,000 a call, with a result each in their order."""
        return self._bulk(
            RecipientResult,
            "/v1/recipients/bulk",
            "recipients",
            ({"user_id": person.user_id, **person.body_of()} for person in recipients),
        )

    def get_recipient(self, user_id: str) -> Recipient:
        """A recipient with devices and contacts, addresses masked."""
        return read(Recipient, self._http.request("GET", _recipient(user_id)).body)

    def add_device(
        self,
        user_id: str,
        platform: str,
        token: str,
        *,
        app: str = "",
        last_active_at: datetime | None = None,
    ) -> Device:
        """Register a device, or say that it is still there; one that was disabled is active."""
        device = Device(platform, token, app, last_active_at)
        path = f"{_recipient(user_id)}/devices"
        return read(Device, self._http.request("POST", path, device.body_of()).body)

    def add_contact(
        self, user_id: str, channel: str, address: str, *, secret: str | None = None
    ) -> Contact:
        """Add a phone number (sms), an email address or a webhook's URL.

        The ``secret`` that signs a webhook is in the answer where it was given or made.
        """
        path = f"{_recipient(user_id)}/contacts"
        body = Contact(channel, address, secret).body_of()
        return read(Contact, self._http.request("POST", path, body).body)

    def get_preferences(self, user_id: str) -> list[Preference]:
        """What a recipient wants and refused."""
        return _preferences(self._http.request("GET", f"{_recipient(user_id)}/preferences"))

    def set_preferences(self, user_id: str, preferences: Sequence[Preference]) -> list[Preference]:
        """Replace what a recipient wants and refuses. The most specific preference decides.

        client.set_preferences("ada", [Preference(False, channel="sms", category="marketing")])
        """
        body = {"preferences": [preference.body_of() for preference in preferences]}
        return _preferences(self._http.request("PUT", f"{_recipient(user_id)}/preferences", body))

    # -- How it is done -----------------------------------------------------------------------

    def _publish(self, path: str, draft: Draft, key: str | None) -> Notification:
        answer = self._http.request("POST", path, draft.body_of(), key=key or _new_key())
        replayed = answer.headers.get("idempotent-replayed") == "true"
        return replace(read(Notification, answer.body), replayed=replayed)

    def _pages(self, row: type[Row], path: str, **filters: str | None) -> Iterator[Row]:
        query: dict[str, Any] = {k: v for k, v in filters.items() if v is not None}
        query["limit"] = PAGE
        while True:
            page = self._http.request("GET", path, query=query).body
            yield from (read(row, answer) for answer in page["data"])
            if not page["next"]:
                return
            query["cursor"] = page["next"]

    def _bulk(
        self, row: type[Row], path: str, name: str, items: Iterable[dict[str, Any]]
    ) -> list[Row]:
        results: list[Row] = []
        waiting = list(items)
        for start in range(0, len(waiting), BULK):
            body = {name: waiting[start : start + BULK]}
            for result in self._http.request("POST", path, body).body["results"]:
                shifted = {**result, "index": start + result["index"]}
                results.append(read(row, _with_problem(shifted)))
        return results


def _new_key() -> str:
    return str(uuid.uuid4())


def _segment(text: str) -> str:
    """``text`` as one segment of a path."""
    return quote(text, safe="")


def _recipient(user_id: str) -> str:
    return f"/v1/recipients/{_segment(user_id)}"


def _subscriptions(topic: str) -> str:
    return f"/v1/topics/{_segment(topic)}/subscriptions"


def _preferences(answer: Answer) -> list[Preference]:
    return [read(Preference, row) for row in answer.body["preferences"]]


def _with_problem(result: Mapping[str, Any]) -> Mapping[str, Any]:
    """``result`` with its problem, if it has one, as the error it would have been alone."""
    if "problem" not in result:
        return result
    problem = result["problem"]
    return {**result, "problem": from_problem(problem["status"], problem)}
