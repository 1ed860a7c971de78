# Generated from _async by `python packages/python/unasync.py`: edit that.
"""A publisher's account: API keys, usage, audit trail, status webhooks."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

from notifier_client._sync.base import Calls, segment
from notifier_client.rows import (
    ApiKey,
    AuditEvent,
    Delivery,
    StatusWebhook,
    Usage,
    WebhookTest,
)
from notifier_client.rows.base import read, write_query


class Accounts(Calls):
    """Methods for the account of the publisher whose key is used."""

    def create_api_key(
        self, scopes: Sequence[str], *, name: str = "", expires_at: datetime | None = None
    ) -> ApiKey:
        """Create a key with these scopes; its ``key`` is in this answer only."""
        body = {"scopes": list(scopes), **write_query({"name": name, "expires_at": expires_at})}
        answer = self._http.request("POST", "/v1/api-keys", body, repeatable=False)
        return read(ApiKey, answer.body)

    def list_api_keys(self) -> Iterator[ApiKey]:
        """List your keys, revoked ones included, oldest first."""
        return self._pages(ApiKey, "/v1/api-keys")

    def revoke_api_key(self, prefix: str, *, family: bool = False) -> None:
        """Revoke a key and the keys that it created.

        ``family``: also revoke the keys that it replaced or that replaced it, and those that they
        created.
        """
        query = "?family=true" if family else ""
        self._http.request("DELETE", f"/v1/api-keys/{segment(prefix)}{query}")

    def rotate_api_key(self, prefix: str, *, grace_seconds: int | None = None) -> ApiKey:
        """Create a replacement; the old key works for ``grace_seconds`` longer.

        ``None`` leaves that to the service, whose default is 24 hours.
        """
        body = {} if grace_seconds is None else {"grace_seconds": grace_seconds}
        path = f"/v1/api-keys/{segment(prefix)}/rotate"
        return read(ApiKey, (self._http.request("POST", path, body, repeatable=False)).body)

    def usage(self) -> Usage:
        """Return your limits and usage."""
        return read(Usage, (self._http.request("GET", "/v1/usage")).body)

    def list_audit_events(
        self,
        *,
        object_type: str | None = None,
        object_name: str | None = None,
        since: datetime | None = None,
    ) -> Iterator[AuditEvent]:
        """List the changes to what is yours, newest first.

        for event in client.list_audit_events(object_type="topic"):
            print(event.at, event.actor, event.action, event.object_name)
        """
        filters = write_query(
            {"object_type": object_type, "object_name": object_name, "since": since}
        )
        return self._pages(AuditEvent, "/v1/audit", **filters)

    # -- Status webhooks ----------------------------------------------------------------------

    def create_status_webhook(
        self, url: str, events: Sequence[str], *, secret: str | None = None
    ) -> StatusWebhook:
        """Register ``url`` for messages about deliveries that come into the states ``events``.

        ``message.received`` among them is for replies to your text messages, ``preference.changed``
        for people who leave or choose by links in messages.

        ``secret``: signs the messages; without one the service makes one. It is in this answer
        only. A ``url`` that is registered already gets these events, and is enabled again.

        client.create_status_webhook("https://shop.example.com/hooks", ["failed", "dead"])
        """
        body: dict[str, Any] = {"url": url, "events": list(events)}
        if secret is not None:
            body["secret"] = secret
        answer = self._http.request("POST", "/v1/status-webhooks", body, repeatable=False)
        return read(StatusWebhook, answer.body)

    def list_status_webhooks(self) -> Iterator[StatusWebhook]:
        """List your status webhooks, oldest first."""
        return self._pages(StatusWebhook, "/v1/status-webhooks")

    def get_status_webhook(self, webhook_id: int) -> StatusWebhook:
        """Return one; its ``state`` is disabled once its endpoint answered 410 (Gone)."""
        path = f"/v1/status-webhooks/{webhook_id}"
        return read(StatusWebhook, (self._http.request("GET", path)).body)

    def update_status_webhook(self, webhook_id: int, events: Sequence[str]) -> StatusWebhook:
        """Choose its events. This also enables it again if it was disabled."""
        path, body = f"/v1/status-webhooks/{webhook_id}", {"events": list(events)}
        return read(StatusWebhook, (self._http.request("PATCH", path, body)).body)

    def test_status_webhook(self, webhook_id: int) -> WebhookTest:
        """Send a test message now, and return its outcome."""
        path = f"/v1/status-webhooks/{webhook_id}/test"
        answer = self._http.request("POST", path, repeatable=False)
        return read(WebhookTest, answer.body)

    def list_status_webhook_deliveries(self, webhook_id: int) -> Iterator[Delivery]:
        """List the messages to its endpoint with every attempt, newest first."""
        return self._pages(Delivery, f"/v1/status-webhooks/{webhook_id}/deliveries")

    def delete_status_webhook(self, webhook_id: int) -> None:
        """Delete it: nothing more is sent to it."""
        self._http.request("DELETE", f"/v1/status-webhooks/{webhook_id}", repeatable=False)
