"""Recipients, their devices, contacts and preferences."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum
from typing import Any

from notifier_client.errors import NotifierError
from notifier_client.rows.base import TIME, TUPLE, many, write
from notifier_client.rows.choices.digests import DigestChoice
from notifier_client.rows.choices.frequency_caps import FrequencyCap


@dataclass(frozen=True, slots=True)
class Device:
    """A recipient's push device. ``platform``: ios, android or web.

    One that is read has an ``id`` and a ``state``, and its token is masked; ``fingerprint`` differs
    between tokens that look equal when masked.
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
    """A recipient's phone number (sms), email address or webhook URL.

    ``secret``: signs a webhook (``whsec_…``); where none is given, one is created and shown once.
    A contact that is read has an ``id`` and a ``state``, and its address is masked; ``fingerprint``
    differs between addresses that look equal when masked. Until ``former_secret_until`` a webhook
    is also signed with its earlier secret.
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
    """A preference; ``channel``, ``topic`` and ``category`` that are ``None`` match any.

    Of several that match, the most specific decides. ``category``: case is ignored, and it is
    returned in lower case. ``allowed``: ``None`` in ``change_preferences`` removes the preference.
    """

    allowed: bool | None
    channel: str | None = None
    topic: str | None = None
    category: str | None = None

    def body_of(self) -> dict[str, Any]:
        """As the API takes it."""
        return {"allowed": self.allowed, **write(self, "channel", "topic", "category")}


class Remove(Enum):
    """A value that removes a recipient's address, where ``None`` leaves it unchanged."""

    REMOVE = "remove"


REMOVE = Remove.REMOVE


@dataclass(frozen=True, slots=True)
class Recipient:
    """A person, by the company's own ``user_id``. Fields left out of an update stay unchanged.

    - ``locale``: a BCP 47 tag; ``time_zone``: an IANA name.
    - ``name``, ``attributes``: for templates; attributes replace all others.
    - ``devices``, ``preferences``: added to those that exist.
    - ``frequency_caps``: likewise, and of two for the same the lower one holds.
    - ``digests``: likewise, where the person has not chosen.
    - ``contacts``: replace all others on the channels that they name.
    - ``email``, ``phone``, only in updates: replace all others, or ``REMOVE``.
    - ``secrets``, only in answers: ``id``, masked ``address`` and ``secret`` of each webhook that
      the update wrote.
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
    name: str | None = None
    attributes: Mapping[str, Any] | None = None
    frequency_caps: Sequence[FrequencyCap] = field(default=(), metadata=many(FrequencyCap))
    digests: Sequence[DigestChoice] = field(default=(), metadata=many(DigestChoice))

    def body_of(self) -> dict[str, Any]:
        """Return the body of a request, without ``user_id``."""
        parts = ("devices", "contacts", "preferences", "frequency_caps", "digests")
        many = {name: [row.body_of() for row in getattr(self, name)] for name in parts}
        written = write(self, "locale", "time_zone", "email", "phone", "name", "attributes")
        one = {name: None if value is REMOVE else value for name, value in written.items()}
        return {**one, **many}


@dataclass(frozen=True, slots=True)
class RecipientResult:
    """The result for one recipient of many. ``status``: created, updated or error."""

    index: int
    status: str
    user_id: str | None = None
    secrets: tuple[Mapping[str, Any], ...] = field(default=(), metadata=TUPLE)
    problem: NotifierError | None = None


@dataclass(frozen=True, slots=True)
class Erasure:
    """The erasure of a person. ``state``: ``erasing``, then ``done``.

    ``deliveries``: how many the person was erased from until now.
    """

    id: str
    state: str
    deliveries: int = 0
    requested_at: datetime | None = field(default=None, metadata=TIME)
    finished_at: datetime | None = field(default=None, metadata=TIME)
