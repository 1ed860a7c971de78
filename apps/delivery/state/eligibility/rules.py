"""The rules for new deliveries of one notification on one channel."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import NamedTuple

from apps.delivery.outbox.pending import LockedChunk
from apps.delivery.state.steps.plan import Step

_LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class DeliveryRules:
    """The rules for new deliveries of one notification on one channel.

    ``group_id`` and ``reachable_only``: see ``apps.delivery.models.Notification``. ``fallback``:
    the channel is the notification's fallback, so recipients whom another channel reached get no
    delivery. ``confirming``: the topic requires confirmed subscriptions. ``mandatory``: preferences
    do not apply. ``off``: recipients whose preferences say nothing of it get no delivery.
    ``passed``: they are not sent it, since its local time had passed where they are. ``step``: the
    fallback's step, if it is one; ``shared``: see ``apps.delivery.state.steps.plan``.
    """

    topic_id: int | None
    group_id: int | None
    reachable_only: bool
    category: str
    off: bool
    mandatory: bool
    expires_at: datetime | None
    fallback: bool = False
    confirming: bool = False
    passed: bool = False
    step: Step | None = None
    shared: bool = False

    @property
    def ends_at(self) -> datetime | None:
        """From when on nothing of it is sent."""
        return _LONG_AGO if self.passed else self.expires_at


class ChunkToDeliver(NamedTuple):
    """A chunk, and the rules for its deliveries."""

    chunk: LockedChunk
    rules: DeliveryRules
