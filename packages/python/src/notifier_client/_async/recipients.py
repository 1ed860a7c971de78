"""Recipients, their contacts and preferences."""

from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from notifier_client._async.base import AsyncCalls, segment
from notifier_client.calls import Answer
from notifier_client.rows import (
    Contact,
    Device,
    DigestChoice,
    Erasure,
    FrequencyCap,
    Preference,
    QuietHours,
    QuietWindow,
    Recipient,
    RecipientResult,
    Remove,
)
from notifier_client.rows.base import read
from notifier_client.rows.choices.quiet_hours import quiet_hours_body


class AsyncRecipients(AsyncCalls):
    """Methods for recipients, by the company's own ``user_id``."""

    async def upsert_recipient(
        self,
        user_id: str,
        *,
        locale: str | None = None,
        time_zone: str | None = None,
        devices: Sequence[Device] = (),
        contacts: Sequence[Contact] = (),
        preferences: Sequence[Preference] = (),
        email: str | Remove | None = None,
        phone: str | Remove | None = None,
        name: str | None = None,
        attributes: Mapping[str, Any] | None = None,
        frequency_caps: Sequence[FrequencyCap] = (),
        digests: Sequence[DigestChoice] = (),
    ) -> Recipient:
        """Create or change a recipient; what is left out stays unchanged.

        ``email`` and ``phone`` replace all others, ``contacts`` those on the channels that they
        name; devices and preferences are added, and so are ``frequency_caps``, of which the lower
        one holds, and ``digests``, where the person has not chosen. ``name`` and ``attributes`` are
        for templates; empty ones remove them. Every recipient has an inbox.

        await client.upsert_recipient("ada", time_zone="Europe/Vienna", email="ada@example.com",
                                      phone=REMOVE, devices=[Device("ios", token)])
        """
        person = Recipient(
            user_id,
            locale,
            time_zone,
            devices,
            contacts,
            preferences,
            email=email,
            phone=phone,
            name=name,
            attributes=attributes,
            frequency_caps=frequency_caps,
            digests=digests,
        )
        answer = await self._http.request("PUT", _recipient(user_id), person.body_of())
        return read(Recipient, answer.body)

    async def upsert_recipients(self, recipients: Iterable[Recipient]) -> list[RecipientResult]:
        """Create or change any number, 1,000 a call; return results in their order."""
        return await self._bulk(
            RecipientResult,
            "/v1/recipients/bulk",
            "recipients",
            ({"user_id": person.user_id, **person.body_of()} for person in recipients),
        )

    async def get_recipient(self, user_id: str) -> Recipient:
        """Return a recipient with devices and contacts, addresses masked."""
        return read(Recipient, (await self._http.request("GET", _recipient(user_id))).body)

    def list_recipients(self) -> AsyncIterator[Recipient]:
        """List all recipients, oldest first, without devices and contacts."""
        return self._pages(Recipient, "/v1/recipients")

    async def list_devices(self, user_id: str) -> list[Device]:
        """Return a recipient's devices, tokens masked."""
        answer = await self._http.request("GET", f"{_recipient(user_id)}/devices")
        return [read(Device, row) for row in answer.body]

    async def list_contacts(self, user_id: str) -> list[Contact]:
        """Return a recipient's contacts, addresses masked."""
        answer = await self._http.request("GET", f"{_recipient(user_id)}/contacts")
        return [read(Contact, row) for row in answer.body]

    async def remove_device(self, user_id: str, device_id: int) -> None:
        """Remove a device: nothing is sent to it any more."""
        path = f"{_recipient(user_id)}/devices/{device_id}"
        await self._http.request("DELETE", path, repeatable=False)

    async def remove_contact(self, user_id: str, contact_id: int) -> None:
        """Remove a contact: nothing is sent to it any more."""
        path = f"{_recipient(user_id)}/contacts/{contact_id}"
        await self._http.request("DELETE", path, repeatable=False)

    async def find_contact(self, user_id: str, channel: str, address: str) -> Contact:
        """Return the recipient's contact of an address, in any spelling. Raises ``NotFound``."""
        body = {"channel": channel, "address": address}
        path = f"{_recipient(user_id)}/contacts/find"
        return read(Contact, (await self._http.request("POST", path, body)).body)

    async def remove_address(self, user_id: str, channel: str, address: str) -> None:
        """Remove an address of the recipient. Raises ``NotFound``."""
        body = {"channel": channel, "address": address}
        path = f"{_recipient(user_id)}/contacts/remove"
        await self._http.request("POST", path, body, repeatable=False)

    async def remove_token(self, user_id: str, platform: str, token: str) -> None:
        """Remove the device of a token. Raises ``NotFound``."""
        body = {"platform": platform, "token": token}
        path = f"{_recipient(user_id)}/devices/remove"
        await self._http.request("POST", path, body, repeatable=False)

    async def add_device(
        self,
        user_id: str,
        platform: str,
        token: str,
        *,
        app: str = "",
        last_active_at: datetime | None = None,
    ) -> Device:
        """Register a device, or confirm that it still exists; a disabled one is enabled again."""
        device = Device(platform, token, app, last_active_at)
        path = f"{_recipient(user_id)}/devices"
        return read(Device, (await self._http.request("POST", path, device.body_of())).body)

    async def add_contact(
        self, user_id: str, channel: str, address: str, *, secret: str | None = None
    ) -> Contact:
        """Add a phone number (sms), an email address or a webhook's URL.

        The ``secret`` that signs a webhook is in the answer where it was given or created.
        """
        path = f"{_recipient(user_id)}/contacts"
        body = Contact(channel, address, secret).body_of()
        return read(Contact, (await self._http.request("POST", path, body)).body)

    async def get_preferences(self, user_id: str) -> list[Preference]:
        """Return a recipient's preferences."""
        path = f"{_recipient(user_id)}/preferences"
        return _preferences(await self._http.request("GET", path))

    async def set_preferences(
        self, user_id: str, preferences: Sequence[Preference]
    ) -> list[Preference]:
        """Replace a recipient's preferences. The most specific one decides.

        no_offers = Preference(False, channel="sms", category="marketing")
        await client.set_preferences("ada", [no_offers])
        """
        return await self._write_preferences("PUT", user_id, preferences)

    async def change_preferences(
        self, user_id: str, preferences: Sequence[Preference]
    ) -> list[Preference]:
        """Change some of a recipient's preferences; the others stay unchanged."""
        return await self._write_preferences("PATCH", user_id, preferences)

    async def get_quiet_hours(self, user_id: str) -> QuietHours:
        """Return the quiet hours that apply to a recipient: their own or the company's."""
        path = f"{_recipient(user_id)}/quiet-hours"
        return read(QuietHours, (await self._http.request("GET", path)).body)

    async def set_quiet_hours(
        self, user_id: str, windows: Sequence[QuietWindow], channels: Sequence[str] | None = None
    ) -> QuietHours:
        """Give a recipient quiet hours of their own, by default on push and SMS.

        What may wait is sent when they end. Without windows they have none at all.

        nights = QuietWindow(["sun", "mon", "tue", "wed", "thu"], "22:00", "07:00")
        await client.set_quiet_hours("ada", [nights])
        """
        path = f"{_recipient(user_id)}/quiet-hours"
        body = quiet_hours_body(windows, channels)
        return read(QuietHours, (await self._http.request("PUT", path, body)).body)

    async def remove_quiet_hours(self, user_id: str) -> None:
        """Remove a recipient's own quiet hours: the company's apply."""
        await self._http.request("DELETE", f"{_recipient(user_id)}/quiet-hours")

    async def erase_recipient(self, user_id: str) -> Erasure:
        """Erase a person, for good; call ``get_erasure`` until it is done. Can be repeated."""
        return read(Erasure, (await self._http.request("DELETE", _recipient(user_id))).body)

    async def get_erasure(self, erasure_id: str) -> Erasure:
        """Return how far the erasure of a person is."""
        path = f"/v1/erasures/{segment(erasure_id)}"
        return read(Erasure, (await self._http.request("GET", path)).body)

    async def export_recipient(self, user_id: str) -> dict[str, Any]:
        """Return everything that is held about a person, as JSON has it."""
        answer = await self._http.request("GET", f"{_recipient(user_id)}/export")
        found: dict[str, Any] = answer.body
        return found

    async def _write_preferences(
        self, method: str, user_id: str, preferences: Sequence[Preference]
    ) -> list[Preference]:
        body = {"preferences": [preference.body_of() for preference in preferences]}
        path = f"{_recipient(user_id)}/preferences"
        return _preferences(await self._http.request(method, path, body))


def _recipient(user_id: str) -> str:
    return f"/v1/recipients/{segment(user_id)}"


def _preferences(answer: Answer) -> list[Preference]:
    return [read(Preference, row) for row in answer.body["preferences"]]
