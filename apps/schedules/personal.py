"""Schedules that name a person: export them, and erase the person from them."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from django.db import transaction

from apps.core.redaction import quoted
from apps.core.row_windows import key_ranges
from apps.publishers import audit
from apps.schedules import notifications, retention
from apps.schedules.models import Run, Schedule
from notifier.security.crypto import DecryptionError

#: Schedules that are looked through at once.
AT_ONCE = 100
#: Records of runs likewise.
RUNS_AT_ONCE = 10_000


def export(user_id: str) -> Iterator[dict[str, object]]:
    """Yield the schedules that name a person, as their publishers wrote them."""
    rows = Schedule.objects.filter(topic="", group="").select_related("publisher").order_by("pk")
    for row in rows.iterator(chunk_size=AT_ONCE):
        posted = _posted(row)
        if user_id in _named(posted):
            yield {
                "publisher": row.publisher.name,
                "name": row.name,
                "state": row.state,
                # Others whom it names are none of the person's business.
                "notification": {
                    name: value for name, value in posted.items() if name != "user_ids"
                },
                "created_at": row.created_at,
            }


def erase(user_id: str, before: datetime, position: str) -> Iterator[str]:
    """Take a person out of the schedules written up to ``before``.

    A schedule that is for nobody else is deleted, as its publisher would: its notification was for
    them alone. Yields after each batch where to go on.
    """
    # Schedules of topics and groups name nobody.
    rows = Schedule.objects.filter(topic="", group="", updated_at__lte=before).order_by("pk")
    while some := list((rows.filter(pk__gt=position) if position else rows)[:AT_ONCE]):
        for row in some:
            if user_id in _named(_posted(row)):
                _erase_from(row, user_id)
        position = str(some[-1].pk)
        yield position


def erase_from_runs(user_id: str, before: datetime, position: str) -> Iterator[str]:
    """Take a person out of the records of runs up to ``before``; yields where to go on."""
    for low in key_ranges(Run.objects.all(), int(position or 0), RUNS_AT_ONCE):
        window = Run.objects.filter(pk__gte=low, pk__lt=low + RUNS_AT_ONCE, at__lte=before)
        with transaction.atomic():
            for row in window.filter(detail__contains=repr(user_id)).select_for_update():
                row.detail = quoted(row.detail, user_id)
                row.save(update_fields=["detail"])
        yield str(low + RUNS_AT_ONCE)


def _posted(row: Schedule) -> dict[str, Any]:
    try:
        return notifications.unseal(row)
    except DecryptionError:  # its key is gone, and so is what it said
        return {}


def _named(posted: dict[str, Any]) -> list[str]:
    """Return the ``user_ids`` that a notification names, in either way."""
    return [*posted.get("user_ids", ()), *([posted["user_id"]] if "user_id" in posted else ())]


def _erase_from(found: Schedule, user_id: str) -> None:
    while True:
        with transaction.atomic():
            row = Schedule.objects.select_for_update().filter(pk=found.pk).first()
            posted = _posted(row) if row is not None else {}
            named = _named(posted)
            if row is None or user_id not in named:
                return  # it was changed meanwhile
            left = [one for one in named if one != user_id]
            if left:
                posted.pop("user_id", None)
                row.notification = notifications.seal(row.pk, {**posted, "user_ids": left})
                row.save(update_fields=["notification"])
                return
            if not retention.delete_runs(row):
                publisher = row.publisher_id
                audit.record(None, "delete", "schedule", row.name, publisher_id=publisher)
                row.delete()
                return
