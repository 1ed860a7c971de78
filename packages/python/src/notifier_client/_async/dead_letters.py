"""Dead letters and suppressions."""

from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from typing import Any

from notifier_client._async.base import AsyncCalls, segment
from notifier_client.rows import DeadLetter, Delivery, Redriven, Suppression
from notifier_client.rows.base import read, write_query


class AsyncDeadLetters(AsyncCalls):
    """Methods for deliveries that were given up, and for addresses that nothing is sent to."""

    def list_dead_letters(
        self,
        *,
        topic: str | None = None,
        channel: str | None = None,
        provider: str | None = None,
        reason: str | None = None,
    ) -> AsyncIterator[DeadLetter]:
        """List your dead letters, newest first."""
        return self._pages(
            DeadLetter,
            "/v1/dead-letters",
            topic=topic,
            channel=channel,
            provider=provider,
            reason=reason,
        )

    async def get_dead_letter(self, delivery_id: str) -> Delivery:
        """Return a dead letter with every attempt."""
        path = f"/v1/dead-letters/{segment(delivery_id)}"
        return read(Delivery, (await self._http.request("GET", path)).body)

    async def redrive(self, delivery_ids: Sequence[str]) -> Redriven:
        """Redrive up to 1,000 dead letters: they are sent again with all their attempts."""
        body = {"ids": list(delivery_ids)}
        answer = await self._http.request("POST", "/v1/dead-letters/redrive", body)
        return read(Redriven, answer.body)

    async def redrive_all(
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

        await client.redrive_all(channel="email", reason="authentication")
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
            redriven = read(Redriven, (await self._http.request("POST", path, body)).body)
            total += redriven.redriven
            more = redriven.more
            body["cursor"] = redriven.next
        return total

    # -- Suppressions -------------------------------------------------------------------------

    def list_suppressions(
        self, *, channel: str | None = None, reason: str | None = None, address: str | None = None
    ) -> AsyncIterator[Suppression]:
        """List suppressions; with ``address`` and ``channel`` that of one address."""
        return self._pages(
            Suppression, "/v1/suppressions", channel=channel, reason=reason, address=address
        )

    async def suppress(
        self, channel: str, address: str, *, reason: str | None = None
    ) -> Suppression:
        """Suppress ``address`` on ``channel``: nothing is sent to it any more.

        ``reason``: hard_bounce, complaint, opted_out, dead_address or, by default, manual.

            await client.suppress("email", "ada@example.com", reason="opted_out")
        """
        body = {"channel": channel, "address": address}
        if reason is not None:
            body["reason"] = reason
        return read(Suppression, (await self._http.request("POST", "/v1/suppressions", body)).body)

    async def lift_suppression(self, suppression_id: int) -> None:
        """Lift a suppression: the address can be sent to again."""
        path = f"/v1/suppressions/{suppression_id}"
        await self._http.request("DELETE", path, repeatable=False)
