# Generated from _async by `python packages/python/unasync.py`: edit that.
"""Dead letters, bulk actions and suppressions."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from notifier_client._sync.base import Calls, segment
from notifier_client.rows import BulkAction, DeadLetter, Delivery, Redriven, Suppression
from notifier_client.rows.base import read, write_query


class DeadLetters(Calls):
    """Methods for deliveries that were given up, and for addresses that nothing is sent to."""

    def list_dead_letters(
        self,
        *,
        topic: str | None = None,
        channel: str | None = None,
        provider: str | None = None,
        reason: str | None = None,
    ) -> Iterator[DeadLetter]:
        """List your dead letters, newest first."""
        return self._pages(
            DeadLetter,
            "/v1/dead-letters",
            topic=topic,
            channel=channel,
            provider=provider,
            reason=reason,
        )

    def get_dead_letter(self, delivery_id: str) -> Delivery:
        """Return a dead letter with every attempt."""
        path = f"/v1/dead-letters/{segment(delivery_id)}"
        return read(Delivery, (self._http.request("GET", path)).body)

    def redrive(self, delivery_ids: Sequence[str]) -> Redriven:
        """Redrive up to 1,000 dead letters: they are sent again with all their attempts.

        Name the ``busy`` of the answer in another call: something else was changing them.
        """
        body = {"ids": list(delivery_ids)}
        answer = self._http.request("POST", "/v1/dead-letters/redrive", body)
        return read(Redriven, answer.body)

    def redrive_all(
        self,
        *,
        topic: str | None = None,
        channel: str | None = None,
        provider: str | None = None,
        reason: str | None = None,
        died_after: datetime | None = None,
        died_before: datetime | None = None,
    ) -> int:
        """Redrive all your dead letters that match, in as many calls as needed; return the number.

        Those that something else is changing meanwhile are left; ``begin_bulk_action("redrive",
        …)`` comes back to them.

        client.redrive_all(channel="email", reason="authentication")
        """
        match = write_query(
            {
                "topic": topic,
                "channel": channel,
                "provider": provider,
                "reason": reason,
                "died_after": died_after,
                "died_before": died_before,
            }
        )
        path = "/v1/dead-letters/redrive"
        body: dict[str, Any] = {"match": match}
        total, more = 0, True
        while more:
            redriven = read(Redriven, (self._http.request("POST", path, body)).body)
            total += redriven.redriven
            more = redriven.more
            body["cursor"] = redriven.next
        return total

    # -- Bulk actions -------------------------------------------------------------------------

    def begin_bulk_action(self, action: str, match: Mapping[str, str | datetime]) -> BulkAction:
        """Redrive, release or cancel everything of yours that matches, in the background.

        ``match``: the criteria; none for everything, but for ``"cancel"``.

        client.begin_bulk_action("cancel", {"topic": "news", "state": "scheduled"})
        """
        body = {"action": action, "match": write_query(match)}
        return read(BulkAction, (self._http.request("POST", "/v1/bulk-actions", body)).body)

    def get_bulk_action(self, action_id: str) -> BulkAction:
        """Return a bulk action, which says how far it is."""
        path = f"/v1/bulk-actions/{segment(action_id)}"
        return read(BulkAction, (self._http.request("GET", path)).body)

    def list_bulk_actions(self, *, action: str | None = None) -> Iterator[BulkAction]:
        """List your bulk actions, newest first."""
        return self._pages(BulkAction, "/v1/bulk-actions", action=action)

    def abort_bulk_action(self, action_id: str) -> BulkAction:
        """End a bulk action; what it has done stays done, and it does nothing after the answer."""
        path = f"/v1/bulk-actions/{segment(action_id)}/abort"
        return read(BulkAction, (self._http.request("POST", path)).body)

    # -- Suppressions -------------------------------------------------------------------------

    def list_suppressions(
        self, *, channel: str | None = None, reason: str | None = None, address: str | None = None
    ) -> Iterator[Suppression]:
        """List suppressions; with ``address`` and ``channel`` that of one address."""
        return self._pages(
            Suppression, "/v1/suppressions", channel=channel, reason=reason, address=address
        )

    def suppress(self, channel: str, address: str, *, reason: str | None = None) -> Suppression:
        """Suppress ``address`` on ``channel``: nothing is sent to it any more.

        ``reason``: hard_bounce, complaint, opted_out, dead_address or, by default, manual.

            client.suppress("email", "ada@example.com", reason="opted_out")
        """
        body = {"channel": channel, "address": address}
        if reason is not None:
            body["reason"] = reason
        return read(Suppression, (self._http.request("POST", "/v1/suppressions", body)).body)

    def lift_suppression(self, suppression_id: int) -> None:
        """Lift a suppression: the address can be sent to again."""
        path = f"/v1/suppressions/{suppression_id}"
        self._http.request("DELETE", path, repeatable=False)
