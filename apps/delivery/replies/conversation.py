"""The message that a reply answers: the last one that the number got from that provider.

Nothing is kept for it while messages are sent. The newest deliveries of whoever has the number are
read by their indexes when somebody replies, and no further back than ``MOST``.
"""

from django.db import connection

from apps.preferences.channels import SMS
from apps.preferences.models import Contact
from notifier.domain.states import DeliveryState

#: Newest deliveries of a recipient, on every channel, that are looked through.
MOST = 200
#: Contacts with the number that are looked at: several people, and publishers, may have it.
MOST_CONTACTS = 20
#: States of what the phone has, or may have.
_SENT = [
    DeliveryState.ACCEPTED,
    DeliveryState.DELIVERED,
    DeliveryState.BOUNCED,
    DeliveryState.UNKNOWN,
]
_LAST = """
SELECT max(d.id) FROM (
    SELECT n.* FROM unnest(%(recipients)s::bigint[]) AS r (id)
     CROSS JOIN LATERAL (SELECT id, contact_id, provider, state FROM delivery_delivery
                          WHERE recipient_id = r.id ORDER BY id DESC LIMIT %(most)s) n
    UNION ALL
    SELECT n.* FROM unnest(%(endpoints)s::bigint[]) AS e (id)
     CROSS JOIN LATERAL (SELECT id, contact_id, provider, state FROM delivery_delivery
                          WHERE contact_id = e.id AND recipient_id IS NULL
                          ORDER BY id DESC LIMIT %(most)s) n
) d
 WHERE d.contact_id = ANY(%(contacts)s) AND d.provider = %(provider)s AND d.state = ANY(%(sent)s)
"""


def last_message(address_index: bytes, provider: str) -> int | None:
    """Return the id of the delivery of the last message to a number, ``None`` if there is none."""
    rows = Contact.objects.filter(channel=SMS, address_index=address_index).order_by("-updated_at")
    owners = list(rows.values_list("pk", "recipient_id")[:MOST_CONTACTS])
    with connection.cursor() as cursor:
        cursor.execute(
            _LAST,
            {
                "recipients": [recipient for _, recipient in owners if recipient is not None],
                "endpoints": [contact for contact, recipient in owners if recipient is None],
                "contacts": [contact for contact, _ in owners],
                "provider": provider,
                "sent": _SENT,
                "most": MOST,
            },
        )
        last: int | None = cursor.fetchone()[0]
    return last
