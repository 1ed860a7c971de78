"""Topics, subscribers and subscriptions."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from notifier_client.errors import NotifierError
from notifier_client.rows.base import TUPLE, many, write


@dataclass(frozen=True, slots=True)
class Topic:
    """A named topic that recipients and endpoints subscribe to.

    ``category``: in lower case; ``mandatory``: whether it cannot be refused; ``retry_policy``:
    ``{"schedule": [seconds, …]}``, ``None`` for each channel's own; ``delay``: seconds;
    ``granted_to``: publishers, shown to the owner only.
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
    """A subscriber: a recipient, or a bare endpoint.

    A recipient has ``user_id`` and ``channels``; an endpoint ``channel`` and ``address``, for push
    also ``platform`` and ``app``, for a webhook ``secret``.
    """

    user_id: str | None = None
    channels: Sequence[str] | None = None
    channel: str | None = None
    address: str | None = None
    platform: str | None = None
    app: str | None = None
    secret: str | None = None
    retry_policy: Mapping[str, Any] | None = None

    def body_of(self) -> dict[str, Any]:
        """Return the body of a request."""
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
    """A subscription on one channel.

    ``address`` (masked): a bare endpoint's; ``secret``: of a webhook that was subscribed just now.
    """

    id: int
    channel: str
    state: str
    user_id: str | None = None
    address: str | None = None
    platform: str | None = None
    secret: str | None = None


@dataclass(frozen=True, slots=True)
class SubscriptionResult:
    """The result for one subscriber of many. ``status``: subscribed or error."""

    index: int
    status: str
    subscriptions: tuple[Subscription, ...] = field(default=(), metadata=many(Subscription))
    problem: NotifierError | None = None
