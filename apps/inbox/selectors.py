"""Reading inboxes. A person whom nobody registered yet has no ``recipient_id``, and no items."""

from django.db.models import QuerySet

from apps.core import clock
from apps.inbox.models import InboxItem
from apps.inbox.statuses import Status

_WHERE = {
    Status.UNREAD: {"read_at__isnull": True},
    Status.READ: {"read_at__isnull": False, "acknowledged_at__isnull": True},
    Status.ACKNOWLEDGED: {"acknowledged_at__isnull": False},
}


def items(recipient_id: int | None, status: str | None = None, **equal: str) -> QuerySet[InboxItem]:
    """What is in this inbox and has not expired: of one ``Status``, and where columns are equal
    to these values, if asked."""
    found = InboxItem.objects.filter(
        recipient_id=recipient_id, expires_at__gt=clock.moment(), **equal
    )
    return found if status is None else found.filter(**_WHERE[Status(status)])


def unread(recipient_id: int | None) -> int:
    """How many of its items were not read, by an index of nothing else."""
    return items(recipient_id, Status.UNREAD).count()
