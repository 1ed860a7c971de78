"""People, where they are reached, and what they refused."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum
from typing import Any

from notifier.client.errors import NotifierError
from notifier.client.rows.base import TIME, TUPLE, many, write


@dataclass(frozen=True, slots=True)
class Device:
    """Where push reaches a recipient. ``platform``: ios, android or web.

    What is read back has an ``id`` and a ``state``, and the token is masked: ``fingerprint`` tells
    it from others that are masked alike.
    """

    platform: str
    token: str
    app: str = ""
    last_active_at: datetime | None = field(default=None, metadata=TIME)
    id: int | None = None
    state: str = ""
    disabled_reason: str = ""
    fingerprint: str = ""

    def body_of(self) -> dict[str, Any]:
        """As the API takes it."""
        return write(self, "platform", "token", "app", "last_active_at")


@dataclass(frozen=True, slots=True)
class Contact:
    """A phone number (sms), an email address or a webhook's URL.

    ``secret`` signs what a webhook gets (``whsec_…``); one is made, and shown once, where none is
    given. What is read back has an ``id`` and a ``state``, and the address is masked:
    ``fingerprint`` tells it from others that are masked alike. Until ``former_secret_until`` a
    webhook's earlier secret signs, too.
    """

    channel: str
    address: str
    secret: str | None = None
    id: int | None = None
    state: str = ""
    disabled_reason: str = ""
    former_secret_until: datetime | None = field(default=None, metadata=TIME)
    fingerprint: str = ""

    def body_of(self) -> dict[str, Any]:
        """As the API takes it."""
        return write(self, "channel", "address", "secret")


@dataclass(frozen=True, slots=True)
class Preference:
    """A wish or a refusal; what is left out means any. Of several the most specific decides.

    ``category``: in any case; it comes back in small letters.

    ``allowed`` may be ``None`` in ``change_preferences``: neither a wish nor a refusal any more.
    """

    allowed: bool | None
    channel: str | None = None
    topic: str | None = None
    category: str | None = None

    def body_of(self) -> dict[str, Any]:
        """As the API takes it."""
        return {"allowed": self.allowed, **write(self, "channel", "topic", "category")}


class Remove(Enum):
    """Says that a recipient has no such address any more, where ``None`` leaves it as it is."""

    REMOVE = "remove"


REMOVE = Remove.REMOVE


@dataclass(frozen=True, slots=True)
class Recipient:
    """A person by the company's own ``user_id``. Written, what is left out stays as it is.

    ``locale`` is a BCP 47 tag, ``time_zone`` an IANA name. ``contacts`` are all on each channel
    that they name: they replace the others on it. ``email`` and ``phone``, written only: the one
    that replaces all others, or ``REMOVE``. ``devices`` and ``preferences`` are added. ``secrets``,
    read back only: of each webhook written just now, its ``id``, masked ``address`` and ``secret``.
    """

    user_id: str
    locale: str | None = None
    time_zone: str | None = None
    devices: Sequence[Device] = field(default=(), metadata=many(Device))
    contacts: Sequence[Contact] = field(default=(), metadata=many(Contact))
    preferences: Sequence[Preference] = ()
    secrets: tuple[Mapping[str, Any], ...] = field(default=(), metadata=TUPLE)
    email: str | Remove | None = None
    phone: str | Remove | None = None

    def body_of(self) -> dict[str, Any]:
        """As the API takes it, without ``user_id``."""
        parts = ("devices", "contacts", "preferences")
        many = {name: [row.body_of() for row in getattr(self, name)] for name in parts}
        written = write(self, "locale", "time_zone", "email", "phone")
        one = {name: None if value is REMOVE else value for name, value in written.items()}
        return {**one, **many}


@dataclass(frozen=True, slots=True)
class RecipientResult:
    """What became of one recipient of many. ``status``: created, updated or error."""

    index: int
    status: str
    user_id: str | None = None
    secrets: tuple[Mapping[str, Any], ...] = field(default=(), metadata=TUPLE)
    problem: NotifierError | None = None
