"""Where a publisher is told what became of its deliveries."""

from dataclasses import dataclass, field
from datetime import datetime

from notifier.client.rows.base import TIME, TUPLE


@dataclass(frozen=True, slots=True)
class StatusWebhook:
    """An endpoint (``url`` masked) told of ``events``. ``state``: active, or disabled once the
    endpoint answered 410. ``secret``: shown once, when it is given or made."""

    id: int
    url: str
    events: tuple[str, ...] = field(metadata=TUPLE)
    secret: str | None = None
    state: str = ""
    created_at: datetime | None = field(default=None, metadata=TIME)
