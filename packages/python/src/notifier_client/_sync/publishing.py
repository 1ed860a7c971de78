# Generated from _async by `python packages/python/unasync.py`: edit that.
"""Publishing, and reading notifications and their deliveries."""

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, Unpack

from notifier_client._sync.base import Calls, new_key, segment, with_problem
from notifier_client.errors import ConnectionFailed, StillSending
from notifier_client.rows import (
    REMOVE,
    BatchResult,
    Delivery,
    Draft,
    DryRun,
    Explanation,
    Message,
    Notification,
    Remove,
)
from notifier_client.rows.base import read, write_query


class Publishing(Calls):
    """Methods that publish take the keywords of ``Message``.

    Once they return, the notification is stored and will be delivered or accounted for.
    ``idempotency_key``: your own name of the event, so that a restarted job notifies nobody twice;
    by default a new one for each call.
    """

    def notify_users(
        self,
        user_ids: Sequence[str],
        *,
        idempotency_key: str | None = None,
        **message: Unpack[Message],
    ) -> Notification:
        """Notify 1 to 1,000 recipients.

        client.notify_users(["ada"], body="Your code is 123 456.", priority="high",
                                  channels=["sms"], expires_at=now + timedelta(minutes=5))
        client.notify_users(["ada"], template="shipped", variables={"order": 7})
        """
        draft = Draft(user_ids=user_ids, **message)
        return self._publish("/v1/notifications", draft, idempotency_key)

    def notify_unreached(
        self,
        notification_id: str,
        *,
        states: Sequence[str] | None = None,
        idempotency_key: str | None = None,
        **message: Unpack[Message],
    ) -> Notification:
        """Notify the people whom an earlier notification of yours did not reach, each once.

        ``states``: those that all of a person's deliveries have to be in; by default any in which
        it did not arrive. Channels and category are the earlier one's unless named.

        client.notify_unreached(posted.id, body="Order 7 is on its way.", channels=["email"])
        """
        audience: dict[str, Any] = {"not_reached_by": notification_id}
        if states is not None:
            audience["states"] = list(states)
        draft = Draft(audience=audience, **message)
        return self._publish("/v1/notifications", draft, idempotency_key)

    def dry_run_users(
        self,
        user_ids: Sequence[str] | None = None,
        *,
        audience: Mapping[str, Any] | None = None,
        **message: Unpack[Message],
    ) -> DryRun:
        """Return what would become of a notification to these recipients; nothing is sent.

        ``audience``, in place of ``user_ids``: ``{"not_reached_by": …, "states": […]}``.
        """
        draft = Draft(user_ids=user_ids, audience=audience, **message)
        return self._dry_run("/v1/notifications/dry-run", draft)

    def dry_run_group(self, group: str, **message: Unpack[Message]) -> DryRun:
        """Return what would become of a notification to a group; nothing is sent."""
        return self._dry_run(f"/v1/groups/{segment(group)}/notify/dry-run", Draft(**message))

    def dry_run_publish(self, topic: str, **message: Unpack[Message]) -> DryRun:
        """Return what would become of a publication to ``topic``; nothing is sent.

        found = client.dry_run_publish("offers", title="Socks", body="Cheaper this week.")
        print(found.channels["push"].now, found.channels["push"].not_sent)
        """
        path = f"/v1/topics/{segment(topic)}/publish/dry-run"
        return self._dry_run(path, Draft(**message))

    def notify_group(
        self, group: str, *, idempotency_key: str | None = None, **message: Unpack[Message]
    ) -> Notification:
        """Notify everybody in a group of yours.

        client.notify_group("on-call", title="Disk full", body="db-1 has 2 % left.")
        """
        path = f"/v1/groups/{segment(group)}/notify"
        return self._publish(path, Draft(**message), idempotency_key)

    def publish(
        self, topic: str, *, idempotency_key: str | None = None, **message: Unpack[Message]
    ) -> Notification:
        """Notify everybody subscribed to ``topic``, on the channels they chose.

        client.publish("order-updates", title="Shipped", body="Order 7 is on its way.")
        """
        path = f"/v1/topics/{segment(topic)}/publish"
        return self._publish(path, Draft(**message), idempotency_key)

    def notify_batch(
        self, drafts: Sequence[Draft], *, idempotency_key: str | None = None
    ) -> list[BatchResult]:
        """Publish up to 1,000 different notifications in one call; return results in their order.

        drafts = [Draft(user_ids=["ada"], body="1"), Draft(user_ids=["bo"], body="2")]
        client.notify_batch(drafts)
        """
        answer = self._http.request(
            "POST",
            "/v1/notifications/batch",
            {"notifications": [draft.body_of() for draft in drafts]},
            key=idempotency_key or new_key(),
        )
        return [read(BatchResult, with_problem(result)) for result in answer.body["results"]]

    def get_notification(self, notification_id: str) -> Notification:
        """Return a notification's state, and counts of its deliveries by channel and state."""
        answer = self._http.request("GET", f"/v1/notifications/{segment(notification_id)}")
        return read(Notification, answer.body)

    def list_notifications(
        self,
        *,
        reference: str | None = None,
        user_id: str | None = None,
        topic: str | None = None,
        category: str | None = None,
        state: str | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
    ) -> Iterator[Notification]:
        """List your notifications, newest first, or those that meet all of the criteria.

        ``user_id``: those with a delivery to this person, in the order in which their first one was
        made. ``since`` and ``until``: accepted then or later, and before then.

        for notification in client.list_notifications(reference="order-7"):
            print(notification.id, notification.state, notification.metadata)
        """
        criteria = {
            "reference": reference,
            "user_id": user_id,
            "topic": topic,
            "category": category,
            "state": state,
            "since": since,
            "until": until,
        }
        return self._pages(Notification, "/v1/notifications", **write_query(criteria))

    def deliveries(
        self, notification_id: str, *, state: str | None = None, channel: str | None = None
    ) -> Iterator[Delivery]:
        """List a notification's deliveries with every attempt; pages are read while iterating.

        for delivery in client.deliveries(posted.id, state="failed"):
            print(delivery.user_id, delivery.reason, delivery.attempts)
        """
        path = f"/v1/notifications/{segment(notification_id)}/deliveries"
        return self._pages(Delivery, path, state=state, channel=channel)

    def deliveries_to(
        self,
        user_id: str,
        *,
        state: str | None = None,
        channel: str | None = None,
        since: datetime | None = None,
    ) -> Iterator[Delivery]:
        """List the deliveries of your notifications to a person, newest first.

        ``since``: made then or later.

        for delivery in client.deliveries_to("ada", state="failed"):
            print(delivery.notification_id, delivery.reference, delivery.reason_text)
        """
        path = f"/v1/recipients/{segment(user_id)}/deliveries"
        criteria = write_query({"state": state, "channel": channel, "since": since})
        return self._pages(Delivery, path, **criteria)

    def explain_delivery(self, delivery_id: str) -> Explanation:
        """Explain in sentences why somebody got a notification or did not, on every channel.

        found = client.explain_delivery(delivery.id)
        print(found.headline, *(sentence.text for sentence in found.channels["sms"]))
        """
        path = f"/v1/deliveries/{segment(delivery_id)}/why"
        return read(Explanation, (self._http.request("GET", path)).body)

    def edit_notification(
        self,
        notification_id: str,
        *,
        send_at: datetime | Remove | None = None,
        expires_at: datetime | Remove | None = None,
        content: Mapping[str, Any] | None = None,
        template: Mapping[str, Any] | None = None,
        collapse_key: str | None = None,
        reference: str | None = None,
        metadata: Mapping[str, str] | None = None,
    ) -> Notification:
        """Move a scheduled notification, or change what it says, until it is begun.

        What is ``None`` stays as it is. ``REMOVE``: a ``send_at`` of now, no ``expires_at``.
        ``content`` and ``template`` are as the API has them. Raises ``Conflict`` once it is begun.

        client.edit_notification(posted.id, send_at=tomorrow, content={"body": "At 11."})
        """
        given = {
            "send_at": send_at,
            "expires_at": expires_at,
            "content": content,
            "template": template,
            "collapse_key": collapse_key,
            "reference": reference,
            "metadata": metadata,
        }
        body = {name: _new(value) for name, value in given.items() if value is not None}
        path = f"/v1/notifications/{segment(notification_id)}"
        return read(Notification, (self._http.request("PATCH", path, body)).body)

    def replay(
        self,
        notification_id: str,
        *,
        states: Sequence[str] | None = None,
        channels: Sequence[str] | None = None,
        expires_at: datetime | None = None,
        idempotency_key: str | None = None,
    ) -> Notification:
        """Send a notification again to those who did not get it; return the new one.

        ``states``: that their deliveries ended in: dead, failed, bounced, expired or, only if it is
        named, cancelled. ``channels``: that they were on; all by default. ``expires_at``: the first
        one's by default; once that is past, it has to be given.

        client.replay(posted.id, states=["dead"], channels=["email"])
        """
        given = {"states": states, "channels": channels, "expires_at": expires_at}
        body = {name: _new(value) for name, value in given.items() if value is not None}
        path = f"/v1/notifications/{segment(notification_id)}/replay"
        answer = self._http.request("POST", path, body, key=idempotency_key or new_key())
        replayed = answer.headers.get("idempotent-replayed") == "true"
        return replace(read(Notification, answer.body), replayed=replayed)

    def cancel(self, notification_id: str) -> Notification:
        """Cancel what has not been sent. Messages that are being sent now cannot be recalled."""
        path = f"/v1/notifications/{segment(notification_id)}/cancel"
        return read(Notification, (self._http.request("POST", path)).body)

    def wait(self, notification_id: str, timeout: float = 60.0) -> Notification:
        """Wait until nothing more is to be sent, and return the notification.

        Raises ``StillSending`` after ``timeout`` seconds, whether or not the service answers then.
        """
        deadline = time.monotonic() + timeout
        path = f"/v1/notifications/{segment(notification_id)}"
        pause, known, cause = 0.05, "not known", None
        while True:
            try:
                left = deadline - time.monotonic()
                found = read(Notification, (self._http.request("GET", path, within=left)).body)
                if found.done:
                    return found
                known, cause = f"{found.state}: {dict(found.counts)}", None
            except ConnectionFailed as error:
                if time.monotonic() + pause < deadline:
                    raise
                cause = error
            if time.monotonic() + pause > deadline:
                raise StillSending(
                    f"After {timeout:g} s notification {notification_id} is {known}."
                ) from cause
            time.sleep(pause)
            pause = min(1.0, pause * 1.5)

    def _dry_run(self, path: str, draft: Draft) -> DryRun:
        return read(DryRun, (self._http.request("POST", path, draft.body_of())).body)

    def _publish(self, path: str, draft: Draft, key: str | None) -> Notification:
        answer = self._http.request("POST", path, draft.body_of(), key=key or new_key())
        replayed = answer.headers.get("idempotent-replayed") == "true"
        return replace(read(Notification, answer.body), replayed=replayed)


def _new(value: Any) -> Any:
    """Return the new value of a field as JSON has it: null for ``REMOVE``."""
    if value is REMOVE:
        return None
    return value.isoformat() if isinstance(value, datetime) else value
