"""Status webhooks: endpoints of a publisher that receive changes of its deliveries' states."""

from dataclasses import dataclass, field
from datetime import datetime

from notifier_client.rows.base import TIME, TUPLE


@dataclass(frozen=True, slots=True)
class StatusWebhook:
    """An endpoint (``url`` masked) that receives ``events``.

    ``state``: active, or disabled once the endpoint answered 410. ``secret``: the secret that signs
    messages, only in the answer to the call that gave one or had the service make one.
    ``former_secret_until``: until then its earlier secret also signs. ``last_error``: the error at
    ``last_error_at``.
    """

    id: int
    url: str
    events: tuple[str, ...] = field(metadata=TUPLE)
    secret: str | None = None
    state: str = ""
    former_secret_until: datetime | None = field(default=None, metadata=TIME)
    created_at: datetime | None = field(default=None, metadata=TIME)
    last_success_at: datetime | None = field(default=None, metadata=TIME)
    last_error_at: datetime | None = field(default=None, metadata=TIME)
    last_error: str = ""


@dataclass(frozen=True, slots=True)
class WebhookTest:
    """The result of a test call.

    ``outcome``: accepted, retry, refused, unknown, or pending where no answer came within 3 seconds
    or other tests were in progress. ``error``: why it did not arrive. ``status``: the HTTP status
    of the endpoint's answer. ``duration_ms``: of the call. ``delivery_id``: of the test message.
    """

    outcome: str
    error: str = ""
    status: int | None = None
    duration_ms: int | None = None
    delivery_id: str | None = None

    @property
    def arrived(self) -> bool:
        """True if the receiver accepted it."""
        return self.outcome == "accepted"
