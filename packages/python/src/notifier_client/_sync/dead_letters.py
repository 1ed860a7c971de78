# Generated from _async by `python packages/python/unasync.py`: edit that.
"""Dead letters and suppressions."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

from notifier_client._sync.base import Calls, segment
from notifier_client.rows import DeadLetter, Delivery, Redriven, Suppression
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
        """Redrive up to 1,000 dead letters: they are sent again with all their attempts."""
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
