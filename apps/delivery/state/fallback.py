"""Falling back to another channel: for whom nothing that was sent before went well in time.

The fallback's chunks are rows like any other, due later, so nothing has to remember them: a
cancel, an expiry, a preference or a paused topic stops them as it stops the others.
"""

from dataclasses import dataclass
from typing import Any

from django.conf import settings


@dataclass(frozen=True, slots=True)
class Fallback:
    """On which channel, and how many seconds after the others' turn."""

    channel: str
    after: int


#: Whether one of a notification's other channels reached a recipient ``a``. A provider that sends
#: receipts has to say so; where none are sent, taking it is all that can be known. An item that
#: lies unread in an inbox has reached nobody. Contacts, since deliveries are found by them.
REACHED = """
EXISTS (SELECT FROM preferences_contact k
          JOIN delivery_delivery e ON e.notification_id = %(notification_id)s
                                  AND e.contact_id = k.id AND e.instead_of IS NULL
         WHERE k.recipient_id = a.recipient_id AND k.channel <> %(channel)s
           AND (e.state = 'delivered'
                OR (e.state = 'accepted' AND NOT e.provider = ANY(%(reporting)s)))
           AND NOT EXISTS (SELECT FROM inbox_inboxitem i
                            WHERE i.delivery_id = e.id AND i.read_at IS NULL))
"""


def reporting() -> list[str]:
    """The providers whose receipts are taken."""
    return [name for name, entry in settings.PROVIDERS.items() if "receipts" in entry]


def of(row: Any) -> Fallback | None:
    """A notification's."""
    if not row.fallback_channel:
        return None
    return Fallback(row.fallback_channel, row.fallback_after)
