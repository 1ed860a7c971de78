"""Fallback to another channel, for recipients whom the first channels did not reach in time.

The fallback's chunks are rows like any other, due later: a cancel, an expiry, a preference or a
paused topic stops them as it stops the others.
"""

from dataclasses import dataclass
from typing import Protocol

from django.conf import settings


@dataclass(frozen=True, slots=True)
class Fallback:
    """A notification's fallback channel, and how many seconds after the others it is sent on."""

    channel: str
    after: int


class _Row(Protocol):
    """The columns of a notification that say its fallback; empty and ``None`` without one."""

    @property
    def fallback_channel(self) -> str:
        """The fallback's channel."""

    @property
    def fallback_after(self) -> int | None:
        """Seconds after the other channels."""


#: SQL: whether another channel of the notification reached recipient ``a``. From a provider that
#: sends receipts this takes a receipt; from another, acceptance is all that can be known. An item
#: that lies unread in an inbox has not reached its recipient. Joins contacts because deliveries are
#: indexed by them.
_REACHED = """
EXISTS (SELECT FROM preferences_contact k
          JOIN delivery_delivery e ON e.notification_id = %(notification_id)s
                                  AND e.contact_id = k.id AND e.instead_of IS NULL
         WHERE k.recipient_id = a.recipient_id AND {channels}
           AND (e.state = 'delivered'
                OR (e.state = 'accepted' AND NOT e.provider = ANY(%(reporting)s)))
           AND NOT EXISTS (SELECT FROM inbox_inboxitem i
                            WHERE i.delivery_id = e.id AND i.read_at IS NULL
                              AND i.snoozed_until IS NULL))
"""
REACHED = _REACHED.format(channels="k.channel <> %(channel)s")
#: SQL: whether recipient ``a`` acknowledged the notification, on whatever channel.
ACKNOWLEDGED = """
EXISTS (SELECT FROM delivery_answer w
         WHERE w.notification_id = %(notification_id)s AND w.recipient_id = a.recipient_id
           AND w.acknowledged_at IS NOT NULL)
"""
#: SQL: whether recipient ``a`` does not need the fallback.
NEEDLESS = f"({ACKNOWLEDGED} OR {REACHED})"
#: The same for a waiting delivery ``a``: whether the fallback channel, or for a delivery on the
#: fallback channel any other, reached its recipient.
REACHED_ELSEWHERE = _REACHED.replace("%(notification_id)s", "a.notification_id").format(
    channels="k.channel <> a.channel AND a.fallback_channel IN (a.channel, k.channel)"
)


def reporting() -> list[str]:
    """Return the providers whose receipts are read."""
    return [name for name, entry in settings.PROVIDERS.items() if "receipts" in entry]


def of(row: _Row) -> Fallback | None:
    """Return the fallback of a notification's row, if it has one."""
    if not row.fallback_channel or row.fallback_after is None:
        return None
    return Fallback(row.fallback_channel, row.fallback_after)
