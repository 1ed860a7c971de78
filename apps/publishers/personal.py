"""The audit trail about a person: export it, and erase the person from it."""

from collections.abc import Iterator
from datetime import datetime
from heapq import merge
from operator import attrgetter

from django.db import transaction
from django.db.models import Q, TextField
from django.db.models.functions import Cast

from apps.core.redaction import redacted, written
from apps.core.row_windows import key_ranges
from apps.publishers.audit import LONGEST_ACTOR, LONGEST_NAME, PERSON
from apps.publishers.models import AuditEvent

#: Types of objects that are named by their person's ``user_id``.
NAMED = ("recipient", "device", "contact", "preferences", "quiet_hours")
#: Events that one statement looks through.
AT_ONCE = 20_000


def export(user_id: str) -> Iterator[dict[str, object]]:
    """Yield the events about a person, and of what they changed themselves, oldest first."""
    about = Q(object_type__in=NAMED, object_name=user_id[:LONGEST_NAME])
    own = Q(actor_kind=PERSON, actor=user_id[:LONGEST_ACTOR])
    # Each by its index: with both in one statement PostgreSQL may walk over the whole trail.
    parts = [AuditEvent.objects.filter(one).order_by("pk") for one in (about, own & ~about)]
    for row in merge(*(part.iterator(chunk_size=1_000) for part in parts), key=attrgetter("pk")):
        yield {
            "at": row.at,
            "actor_kind": row.actor_kind,
            "action": row.action,
            "object_type": row.object_type,
            "before": row.before,
            "after": row.after,
        }


def erase(user_id: str, before: datetime, position: str) -> Iterator[str]:
    """Take a person's name out of the events up to ``before``: they say of whom no more.

    The JSON of no event has an index: all are looked through. Yields after each ``AT_ONCE`` where
    to go on.
    """
    if not position:
        AuditEvent.objects.filter(
            object_type__in=NAMED, object_name=user_id[:LONGEST_NAME], at__lte=before
        ).update(object_name="")
    for low in key_ranges(AuditEvent.objects.all(), int(position or 0), AT_ONCE):
        _erase_some(user_id, before, low)
        yield str(low + AT_ONCE)


@transaction.atomic
def _erase_some(user_id: str, before: datetime, low: int) -> None:
    window = AuditEvent.objects.filter(pk__gte=low, pk__lt=low + AT_ONCE, at__lte=before)
    own = window.filter(actor_kind=PERSON, actor=user_id[:LONGEST_ACTOR])
    own.update(actor="", remote_address=None)
    texts = {name: Cast(name, TextField()) for name in ("before", "after")}
    found = window.annotate(**{f"{name}_text": cast for name, cast in texts.items()}).filter(
        Q(before_text__contains=written(user_id)) | Q(after_text__contains=written(user_id))
    )
    for row in found.select_for_update(of=("self",)):
        row.before, row.after = redacted(row.before, user_id), redacted(row.after, user_id)
        row.save(update_fields=["before", "after"])
