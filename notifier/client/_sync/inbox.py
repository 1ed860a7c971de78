# Made from notifier/client/_async by `python -m notifier.client.unasync`: edit that.
"""A person's own inbox."""

from collections.abc import Iterator, Sequence
from typing import Any, Self

from notifier.client._sync.base import Calls
from notifier.client._sync.transport import Transport
from notifier.client.rows import InboxItem, Marked, Preference
from notifier.client.rows.base import read


class InboxClient(Calls):
    """The inbox of the person that ``token`` names: the end user's JWT, not an API key.

    with InboxClient("https://notifier.example.com", token) as inbox:
        for item in inbox.items(status="unread"):
            print(item.title)
        inbox.mark("read")
    """

    def __init__(
        self, base_url: str, token: str, *, timeout: float = 15.0, retry_for: float = 30.0
    ) -> None:
        self._http = Transport(base_url, token, timeout=timeout, retry_for=retry_for)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def items(
        self,
        *,
        status: str | None = None,
        severity: str | None = None,
        source: str | None = None,
    ) -> Iterator[InboxItem]:
        """What is in the inbox, newest first, read a page at a time as it is iterated."""
        return self._pages(InboxItem, "/v1/inbox", status=status, severity=severity, source=source)

    def unread(self) -> int:
        """How many items were not read."""
        return int((self._http.request("GET", "/v1/inbox/unread")).body["unread"])

    def mark(self, status: str, ids: Sequence[int] | None = None) -> Marked:
        """Make items read, unread, acknowledged or deleted: up to 1,000 of them, or all."""
        body: dict[str, Any] = {"status": status}
        body |= {"all": True} if ids is None else {"ids": list(ids)}
        return read(Marked, (self._http.request("POST", "/v1/inbox/status", body)).body)

    def delete(self, item_id: int) -> None:
        """Delete one item."""
        self._http.request("DELETE", f"/v1/inbox/{item_id}", repeatable=False)

    def get_preferences(self) -> list[Preference]:
        """What this person wants and refused."""
        answer = self._http.request("GET", "/v1/me/preferences")
        return [read(Preference, row) for row in answer.body["preferences"]]

    def set_preferences(self, preferences: Sequence[Preference]) -> list[Preference]:
        """Replace what this person wants and refuses; what is left out is neither any more."""
        body = {"preferences": [preference.body_of() for preference in preferences]}
        answer = self._http.request("PUT", "/v1/me/preferences", body)
        return [read(Preference, row) for row in answer.body["preferences"]]
