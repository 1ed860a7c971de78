"""Read inboxes. A person who is not registered has a ``recipient_id`` of ``None``, and no items."""

from typing import cast

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
    """Return an inbox's items that have not expired.

    ``status`` and ``equal`` (values by column) restrict them, if given.
    """
    found = InboxItem.objects.filter(
        recipient_id=cast(int, recipient_id),  # None finds nothing, which the type hints forbid
        expires_at__gt=clock.moment(),
        **equal,
    )
    return found if status is None else found.filter(**_WHERE[Status(status)])


def unread(recipient_id: int | None) -> int:
    """Count an inbox's unread items, by an index that has only those."""
    return items(recipient_id, Status.UNREAD).count()
