"""A person's own inbox."""

from collections.abc import AsyncIterator, Sequence
from typing import Any, Self

from notifier.client._async.base import AsyncCalls
from notifier.client._async.transport import AsyncTransport
from notifier.client.rows import InboxItem, Marked, Preference
from notifier.client.rows.base import read


class AsyncInboxClient(AsyncCalls):
    """The inbox of the person that ``token`` names: the end user's JWT, not an API key.

    async with AsyncInboxClient("https://notifier.example.com", token) as inbox:
        async for item in inbox.items(status="unread"):
            print(item.title)
        await inbox.mark("read")
    """

    def __init__(
        self, base_url: str, token: str, *, timeout: float = 15.0, retry_for: float = 30.0
    ) -> None:
        self._http = AsyncTransport(base_url, token, timeout=timeout, retry_for=retry_for)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Close the connections."""
        await self._http.close()

    def items(
        self,
        *,
        status: str | None = None,
        severity: str | None = None,
        source: str | None = None,
    ) -> AsyncIterator[InboxItem]:
        """What is in the inbox, newest first, read a page at a time as it is iterated."""
        return self._pages(InboxItem, "/v1/inbox", status=status, severity=severity, source=source)

    async def unread(self) -> int:
        """How many items were not read."""
        return int((await self._http.request("GET", "/v1/inbox/unread")).body["unread"])

    async def mark(self, status: str, ids: Sequence[int] | None = None) -> Marked:
        """Make items read, unread, acknowledged or deleted: up to 1,000 of them, or all."""
        body: dict[str, Any] = {"status": status}
        body |= {"all": True} if ids is None else {"ids": list(ids)}
        return read(Marked, (await self._http.request("POST", "/v1/inbox/status", body)).body)

    async def delete(self, item_id: int) -> None:
        """Delete one item."""
        await self._http.request("DELETE", f"/v1/inbox/{item_id}", repeatable=False)

    async def get_preferences(self) -> list[Preference]:
        """What this person wants and refused."""
        answer = await self._http.request("GET", "/v1/me/preferences")
        return [read(Preference, row) for row in answer.body["preferences"]]

    async def set_preferences(self, preferences: Sequence[Preference]) -> list[Preference]:
        """Replace what this person wants and refuses; what is left out is neither any more."""
        body = {"preferences": [preference.body_of() for preference in preferences]}
        answer = await self._http.request("PUT", "/v1/me/preferences", body)
        return [read(Preference, row) for row in answer.body["preferences"]]
