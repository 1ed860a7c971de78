"""The client of a person's own inbox."""

from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from typing import Self

from notifier_client._async.base import AsyncCalls, segment
from notifier_client._async.inbox_items import AsyncInboxItems
from notifier_client._async.transport import AsyncTransport
from notifier_client.calls import EventReader
from notifier_client.rows import (
    Acknowledged,
    DigestChoice,
    FrequencyCap,
    InboxEvent,
    Marked,
    Me,
    MyCategory,
    MyTopic,
    Preference,
    QuietHours,
    QuietWindow,
    StreamTicket,
)
from notifier_client.rows.base import read, write_query
from notifier_client.rows.choices.quiet_hours import quiet_hours_body


class AsyncInboxClient(AsyncCalls):
    """The inbox of the person whom ``token`` names: the end user's JWT, not an API key.

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
        archived: bool | None = None,
        snoozed: bool | None = None,
    ) -> AsyncInboxItems:
        """List the inbox's items, newest first; pages are read while iterating.

        ``archived``, ``snoozed``: list what is put away, in place of the others.

        items = inbox.items()
        titles = [item.title async for item in items]
        async for event in inbox.stream(since=items.last_event_id):
            print(event.name, event.data)
        """
        filters = {
            "status": status,
            "severity": severity,
            "source": source,
            "archived": archived,
            "snoozed": snoozed,
        }
        return AsyncInboxItems(self._answers("/v1/inbox", **filters))

    async def unread(self) -> int:
        """Return the number of unread items."""
        return int((await self._http.request("GET", "/v1/inbox/unread")).body["unread"])

    async def stream(self, since: str = "") -> AsyncIterator[InboxEvent]:
        """Iterate over what changes in the inbox, as it happens, until the connection ends.

        ``since``: the id of the last event, or ``last_event_id`` of ``items``, to be told what was
        missed; by default what changes from now on. Raises ``NotifierError`` where the connection
        is lost: call it again then. The stream is served at a path of its own, by another process
        where no proxy is in front.
        """
        read_line = EventReader()
        async for line in self._http.lines("/v1/inbox/stream", {"since": since} if since else None):
            if (event := read_line(line)) is not None:
                yield event

    async def stream_ticket(self) -> StreamTicket:
        """Get what opens one stream, within a minute, in place of the token."""
        answer = await self._http.request("POST", "/v1/inbox/stream/ticket", repeatable=False)
        return read(StreamTicket, answer.body)

    async def mark(
        self,
        status: str,
        ids: Sequence[int] | None = None,
        *,
        snoozed_until: datetime | None = None,
    ) -> Marked:
        """Change items: up to 1,000, or all that are not put away if ``None``.

        ``status``: seen, read, unread, acknowledged, archived, snoozed (until ``snoozed_until``),
        restored or deleted.
        """
        body = {"status": status} | write_query({"snoozed_until": snoozed_until})
        body |= {"all": True} if ids is None else {"ids": list(ids)}
        return read(Marked, (await self._http.request("POST", "/v1/inbox/status", body)).body)

    async def acknowledge(self, notification_id: str) -> Acknowledged:
        """Acknowledge a notification that was sent to this person, on whatever channel.

        Its further steps are not sent to them, nor to anybody where one is for a group.
        """
        path = f"/v1/notifications/{segment(notification_id)}/acknowledge"
        return read(Acknowledged, (await self._http.request("POST", path)).body)

    async def delete(self, item_id: int) -> None:
        """Delete one item."""
        await self._http.request("DELETE", f"/v1/inbox/{item_id}", repeatable=False)

    async def me(self) -> Me:
        """Return this person's settings."""
        return read(Me, (await self._http.request("GET", "/v1/me")).body)

    async def change_me(
        self,
        *,
        locale: str | None = None,
        time_zone: str | None = None,
        frequency_caps: Sequence[FrequencyCap] | None = None,
        digests: Sequence[DigestChoice] | None = None,
    ) -> Me:
        """Change this person's language or time zone, or how often they want to hear.

        ``frequency_caps`` replace all others, and so do ``digests``.
        """
        body = write_query({"locale": locale, "time_zone": time_zone})
        if frequency_caps is not None:
            body["frequency_caps"] = [cap.body_of() for cap in frequency_caps]
        if digests is not None:
            body["digests"] = [choice.body_of() for choice in digests]
        return read(Me, (await self._http.request("PATCH", "/v1/me", body)).body)

    async def categories(self) -> list[MyCategory]:
        """Return the categories in this person's language, and on which channels they get each."""
        answer = await self._http.request("GET", "/v1/me/categories")
        return [read(MyCategory, row) for row in answer.body["categories"]]

    async def topics(self) -> list[MyTopic]:
        """Return what this person is subscribed to, and on which channels they get each."""
        answer = await self._http.request("GET", "/v1/me/topics")
        return [read(MyTopic, row) for row in answer.body["topics"]]

    async def get_preferences(self) -> list[Preference]:
        """Return this person's preferences."""
        answer = await self._http.request("GET", "/v1/me/preferences")
        return [read(Preference, row) for row in answer.body["preferences"]]

    async def set_preferences(self, preferences: Sequence[Preference]) -> list[Preference]:
        """Replace this person's preferences; those left out are removed."""
        body = {"preferences": [preference.body_of() for preference in preferences]}
        answer = await self._http.request("PUT", "/v1/me/preferences", body)
        return [read(Preference, row) for row in answer.body["preferences"]]

    async def change_preferences(self, preferences: Sequence[Preference]) -> list[Preference]:
        """Change these of this person's preferences, and leave the others.

        ``allowed`` of ``None`` withdraws one.
        """
        body = {"preferences": [preference.body_of() for preference in preferences]}
        answer = await self._http.request("PATCH", "/v1/me/preferences", body)
        return [read(Preference, row) for row in answer.body["preferences"]]

    async def leave_everything(self) -> list[Preference]:
        """Refuse everything that can be refused, and withdraw whatever was allowed."""
        answer = await self._http.request("POST", "/v1/me/leave")
        return [read(Preference, row) for row in answer.body["preferences"]]

    async def get_quiet_hours(self) -> QuietHours:
        """Return this person's quiet hours: their own or the company's."""
        return read(QuietHours, (await self._http.request("GET", "/v1/me/quiet-hours")).body)

    async def set_quiet_hours(
        self, windows: Sequence[QuietWindow], channels: Sequence[str] | None = None
    ) -> QuietHours:
        """Choose quiet hours in place of the company's; without windows, none at all."""
        body = quiet_hours_body(windows, channels)
        answer = await self._http.request("PUT", "/v1/me/quiet-hours", body)
        return read(QuietHours, answer.body)

    async def remove_quiet_hours(self) -> None:
        """Remove this person's own quiet hours: the company's apply."""
        await self._http.request("DELETE", "/v1/me/quiet-hours")
