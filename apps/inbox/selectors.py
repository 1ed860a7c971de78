"""Read inboxes. A person who is not registered has a ``recipient_id`` of ``None``, and no items."""

from typing import NamedTuple, cast

from django.db import connection
from django.db.models import Q, QuerySet

from apps.core import clock
from apps.inbox.models import Feed, InboxItem
from apps.inbox.statuses import Status

_WHERE = {
    Status.UNREAD: {"read_at__isnull": True},
    Status.READ: {"read_at__isnull": False, "acknowledged_at__isnull": True},
    Status.ACKNOWLEDGED: {"acknowledged_at__isnull": False},
}
#: SQL: the unread and the unseen items of inbox ``r.id`` at ``%(now)s``.
COUNTED = """
SELECT count(*) AS unread, count(*) FILTER (WHERE seen_at IS NULL) AS unseen
  FROM inbox_inboxitem
 WHERE recipient_id = r.id AND read_at IS NULL AND expires_at > %(now)s
   AND (snoozed_until IS NULL OR snoozed_until <= %(now)s)
"""


class Counts(NamedTuple):
    """Items of an inbox that were not read, and those of them that were not on the screen."""

    unread: int
    unseen: int


def items(
    recipient_id: int | None,
    status: str | None = None,
    *,
    archived: bool = False,
    snoozed: bool = False,
    **equal: str,
) -> QuerySet[InboxItem]:
    """Return an inbox's items that have not expired: those that are archived, or snoozed, or else.

    ``status`` and ``equal`` (values by column) restrict them, if given.
    """
    now = clock.moment()
    found = InboxItem.objects.filter(
        recipient_id=cast(int, recipient_id),  # None finds nothing, which the type hints forbid
        expires_at__gt=now,
        archived_at__isnull=not archived,
        **equal,
    )
    if snoozed:
        found = found.filter(snoozed_until__gt=now)
    elif not archived:
        found = found.filter(Q(snoozed_until__isnull=True) | Q(snoozed_until__lte=now))
    return found if status is None else found.filter(**_WHERE[Status(status)])


def counts(recipient_id: int | None) -> Counts:
    """Count an inbox's unread and unseen items, by an index that has only those."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT c.* FROM (VALUES (%(id)s::bigint)) AS r (id), LATERAL ({COUNTED}) AS c",
            {"id": recipient_id, "now": clock.moment()},
        )
        return Counts(*cursor.fetchone())


def version(recipient_id: int | None) -> int:
    """Return an inbox's version, 0 before the first change."""
    found = Feed.objects.filter(recipient_id=cast(int, recipient_id))
    return found.values_list("version", flat=True).first() or 0
