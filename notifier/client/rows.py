"""What goes in and comes out, as frozen dataclasses.

Fields that a newer service adds are ignored, so an older client goes on working.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from datetime import datetime
from typing import Any, TypeVar

from notifier.client.errors import NotifierError

Row = TypeVar("Row")
_TIME = {"read": datetime.fromisoformat}
_TUPLE = {"read": tuple}


def read(row: type[Row], answer: Mapping[str, Any]) -> Row:
    """``answer`` as a ``row``: its known fields converted, the others left out."""
    found = {}
    for one in fields(row):  # type: ignore[arg-type]
        if one.name in answer:
            value, convert = answer[one.name], one.metadata.get("read")
            found[one.name] = convert(value) if convert and value is not None else value
    return row(**found)


def write(row: Any, *names: str) -> dict[str, Any]:
    """``row``'s fields of these names as JSON; what is not set (``None``) is left out."""
    return {name: _json(name, value) for name in names if (value := getattr(row, name)) is not None}


def _json(name: str, value: Any) -> Any:
    if isinstance(value, datetime):
        if value.tzinfo is None:
            raise ValueError(f"{name} needs a time zone: datetime.now(UTC), not datetime.now()")
        return value.isoformat()
    return list(value) if isinstance(value, tuple) else value


# -- Notifications ----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """A notification to be posted, one of a batch.

    ``data``: for the app; ``actions``: label to URL; ``channels``: only these, else wherever the
    recipients can be reached; ``priority``: high, normal or low; ``send_at`` and ``expires_at``:
    not before and not after, with a time zone; ``collapse_key``: a later push with the same one
    replaces this.
    """

    user_ids: Sequence[str] | None = None
    title: str | None = None
    body: str | None = None
    data: Mapping[str, Any] | None = None
    actions: Mapping[str, str] | None = None
    priority: str | None = None
    channels: Sequence[str] | None = None
    send_at: datetime | None = None
    expires_at: datetime | None = None
    collapse_key: str | None = None

    def body_of(self) -> dict[str, Any]:
        """As the API takes it."""
        rest = ("priority", "channels", "send_at", "expires_at", "collapse_key")
        content = write(self, "title", "body", "data", "actions")
        return {"content": content, **write(self, "user_ids", *rest)}


@dataclass(frozen=True, slots=True)
class Notification:
    """A notification and what became of it.

    ``state``: accepted or scheduled (in the answer to a post), then scheduled, sending, done or
    cancelled. ``counts``: deliveries by channel and state, ``{"sms": {"accepted": 1}}``.
    ``replayed``: this is the first answer again, since the idempotency key was used before.
    """

    id: str
    state: str
    priority: str
    channels: tuple[str, ...] = field(metadata=_TUPLE)
    created_at: datetime = field(metadata=_TIME)
    send_at: datetime | None = field(default=None, metadata=_TIME)
    expires_at: datetime | None = field(default=None, metadata=_TIME)
    cancelled_at: datetime | None = field(default=None, metadata=_TIME)
    topic: str | None = None
    collapse_key: str = ""
    counts: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    replayed: bool = False

    @property
    def done(self) -> bool:
        """Whether nothing more is to be sent."""
        return self.state in ("done", "cancelled")

    def count(self, state: str) -> int:
        """How many deliveries are in ``state``, on all channels."""
        return sum(by_state.get(state, 0) for by_state in self.counts.values())


@dataclass(frozen=True, slots=True)
class Attempt:
    """One call to a provider. ``outcome``: accepted, retry, refused or unknown."""

    number: int
    provider: str
    started_at: datetime = field(metadata=_TIME)
    duration_ms: int
    outcome: str
    reason: str = ""
    status: int | None = None
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Delivery:
    """One notification to one recipient's one address (masked) on one channel."""

    id: str
    channel: str
    state: str
    created_at: datetime = field(metadata=_TIME)
    updated_at: datetime = field(metadata=_TIME)
    user_id: str | None = None
    address: str | None = None
    reason: str = ""
    provider: str = ""
    provider_message_id: str = ""
    next_attempt_at: datetime | None = field(default=None, metadata=_TIME)
    attempts: tuple[Attempt, ...] = field(
        default=(), metadata={"read": lambda rows: tuple(read(Attempt, row) for row in rows)}
    )


@dataclass(frozen=True, slots=True)
class BatchResult:
    """What became of one notification of a batch. ``status``: accepted or error."""

    index: int
    status: str
    notification: Notification | None = field(
        default=None, metadata={"read": lambda row: read(Notification, row)}
    )
    problem: NotifierError | None = None


# -- Recipients -------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Device:
    """Where push reaches a recipient. ``platform``: ios, android or web.

    What is read back has an ``id`` and a ``state``, and the token is masked.
    """

    platform: str
    token: str
    app: str = ""
    last_active_at: datetime | None = field(default=None, metadata=_TIME)
    id: int | None = None
    state: str = ""
    disabled_reason: str = ""

    def body_of(self) -> dict[str, Any]:
        """As the API takes it."""
        return write(self, "platform", "token", "app", "last_active_at")


@dataclass(frozen=True, slots=True)
class Contact:
    """A phone number (sms), an email address or a webhook's URL.

    ``secret`` signs what a webhook gets (``whsec_…``); one is made, and shown once, where none is
    given. What is read back has an ``id`` and a ``state``, and the address is masked.
    """

    channel: str
    address: str
    secret: str | None = None
    id: int | None = None
    state: str = ""
    disabled_reason: str = ""

    def body_of(self) -> dict[str, Any]:
        """As the API takes it."""
        return write(self, "channel", "address", "secret")


@dataclass(frozen=True, slots=True)
class Preference:
    """A wish or a refusal; what is left out means any. Of several the most specific decides."""

    allowed: bool
    channel: str | None = None
    topic: str | None = None
    category: str | None = None

    def body_of(self) -> dict[str, Any]:
        """As the API takes it."""
        return write(self, "allowed", "channel", "topic", "category")


@dataclass(frozen=True, slots=True)
class Recipient:
    """A person by the company's own ``user_id``. Written, what is left out stays as it is.

    ``locale`` is a BCP 47 tag, ``time_zone`` an IANA name. ``secrets``, read back only: of each
    webhook written just now, its masked ``address`` and its ``secret``.
    """

    user_id: str
    locale: str | None = None
    time_zone: str | None = None
    devices: Sequence[Device] = field(
        default=(), metadata={"read": lambda rows: tuple(read(Device, row) for row in rows)}
    )
    contacts: Sequence[Contact] = field(
        default=(), metadata={"read": lambda rows: tuple(read(Contact, row) for row in rows)}
    )
    preferences: Sequence[Preference] = ()
    secrets: tuple[Mapping[str, str], ...] = field(default=(), metadata=_TUPLE)

    def body_of(self) -> dict[str, Any]:
        """As the API takes it, without ``user_id``."""
        parts = ("devices", "contacts", "preferences")
        many = {name: [row.body_of() for row in getattr(self, name)] for name in parts}
        return {**write(self, "locale", "time_zone"), **many}


@dataclass(frozen=True, slots=True)
class RecipientResult:
    """What became of one recipient of many. ``status``: created, updated or error."""

    index: int
    status: str
    user_id: str | None = None
    secrets: tuple[Mapping[str, str], ...] = field(default=(), metadata=_TUPLE)
    problem: NotifierError | None = None


# -- Topics -----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Topic:
    """A named thing one can subscribe to.

    ``mandatory``: cannot be refused; ``retry_policy``: ``{"schedule": [seconds, …]}``, ``None``
    for each channel's own; ``delay``: seconds; ``granted_to``: publishers, for the owner's eyes.
    """

    name: str
    owner: str
    display_name: str = ""
    category: str = ""
    default_priority: str = "normal"
    mandatory: bool = False
    retry_policy: Mapping[str, Any] | None = None
    delay: int = 0
    granted_to: tuple[str, ...] = field(default=(), metadata=_TUPLE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Subscriber:
    """Who subscribes: a recipient (``user_id``, ``channels``), or a bare endpoint (``channel``,
    ``address``, for push its ``platform`` and ``app``, for a webhook its ``secret``)."""

    user_id: str | None = None
    channels: Sequence[str] | None = None
    channel: str | None = None
    address: str | None = None
    platform: str | None = None
    app: str | None = None
    secret: str | None = None

    def body_of(self) -> dict[str, Any]:
        """As the API takes it."""
        return write(self, "user_id", "channels", "channel", "address", "platform", "app", "secret")


@dataclass(frozen=True, slots=True)
class Subscription:
    """A subscription on one channel. ``address`` (masked) is a bare endpoint's; ``secret`` that
    of a webhook subscribed just now."""

    id: int
    channel: str
    state: str
    user_id: str | None = None
    address: str | None = None
    platform: str | None = None
    secret: str | None = None


@dataclass(frozen=True, slots=True)
class SubscriptionResult:
    """What became of one subscriber of many. ``status``: subscribed or error."""

    index: int
    status: str
    subscriptions: tuple[Subscription, ...] = field(
        default=(), metadata={"read": lambda rows: tuple(read(Subscription, row) for row in rows)}
    )
    problem: NotifierError | None = None
