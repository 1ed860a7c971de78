"""Topics and who subscribes to them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from notifier.client.errors import NotifierError
from notifier.client.rows.base import TUPLE, many, write


@dataclass(frozen=True, slots=True)
class Topic:
    """A named thing one can subscribe to.

    ``category``: in small letters, however it was given; ``mandatory``: cannot be refused;
    ``retry_policy``: ``{"schedule": [seconds, …]}``, ``None`` for each channel's own; ``delay``:
    seconds; ``granted_to``: publishers, for the owner's eyes.
    """

    name: str
    owner: str
    display_name: str = ""
    category: str = ""
    default_priority: str = "normal"
    mandatory: bool = False
    retry_policy: Mapping[str, Any] | None = None
    delay: int = 0
    requires_confirmation: bool = False
    paused: bool = False
    granted_to: tuple[str, ...] = field(default=(), metadata=TUPLE)


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
    retry_policy: Mapping[str, Any] | None = None

    def body_of(self) -> dict[str, Any]:
        """As the API takes it."""
        return write(
            self,
            "user_id",
            "channels",
            "channel",
            "address",
            "platform",
            "app",
            "secret",
            "retry_policy",
        )


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
    subscriptions: tuple[Subscription, ...] = field(default=(), metadata=many(Subscription))
    problem: NotifierError | None = None
