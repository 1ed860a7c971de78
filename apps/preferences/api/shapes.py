"""The shapes of validated request bodies, and of parts of responses."""

from datetime import datetime
from typing import NotRequired, TypedDict


class PostedDevice(TypedDict):
    """A device as ``DeviceIn`` validated it, its token in the normal form."""

    platform: str
    token: str
    app: str
    last_active_at: datetime | None


class PostedContact(TypedDict):
    """A contact as ``ContactIn`` validated it, its address in the normal form."""

    channel: str
    address: str
    secret: str


class PostedPreference(TypedDict):
    """A preference as ``PreferenceIn`` or ``PreferenceChangeIn`` validated it.

    Empty texts mean any. ``allowed``: ``None`` withdraws it.
    """

    channel: str
    topic: str
    category: str
    allowed: bool | None


class PostedCap(TypedDict):
    """A person's frequency cap as ``FrequencyCapIn`` validated it.

    An empty category means all that the channel carries.
    """

    channel: str
    category: str
    limit: int
    per: str


class PostedDigestChoice(TypedDict):
    """A person's choice of how often to be sent a category, as ``DigestChoiceIn`` validated it.

    An empty category means all that have no choice of their own.
    """

    category: str
    cadence: str


class PostedRecipient(TypedDict):
    """A recipient as ``RecipientIn`` validated it, or ``BulkRecipientIn``, with the ``user_id``.

    ``name``, ``attributes``: left out, or empty to remove them. ``replaced``: the channels on which
    ``contacts`` replace all others.
    """

    user_id: NotRequired[str]
    locale: str | None
    time_zone: str | None
    name: NotRequired[str]
    attributes: NotRequired[dict[str, object]]
    devices: list[PostedDevice]
    contacts: list[PostedContact]
    preferences: list[PostedPreference]
    frequency_caps: list[PostedCap]
    digests: list[PostedDigestChoice]
    replaced: set[str]


class PostedAddress(TypedDict):
    """The address of a contact to find, from ``ContactAddressIn`` or ``DeviceTokenIn``."""

    channel: str
    address: str


class ShownPreference(TypedDict):
    """A preference in a response; ``None`` means any."""

    channel: str | None
    topic: str | None
    category: str | None
    allowed: bool


class ShownSecret(TypedDict):
    """A webhook's signing secret in a response, with the contact's id and masked address."""

    id: int
    address: str
    secret: str
