"""Write schedules: create, change, pause, resume, skip and delete.

Each function but ``create`` takes a row that its caller has locked, so that no occurrence is run
meanwhile.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db import IntegrityError, transaction
from rest_framework.serializers import ValidationError
from uuid_utils.compat import uuid7

from apps.api.problems import Problem
from apps.core import clock
from apps.publishers.models import Publisher
from apps.publishers.selectors import KeySnapshot
from apps.schedules import notifications, timetables
from apps.schedules.models import Run, RunState, Schedule
from notifier.recurrence.local_time import FORMAT, shown
from notifier.recurrence.rules import InvalidRule

#: Fields that are text in the row, and null where they are empty.
_TEXTS = ("rrule", "cron", "ends_at_local", "topic", "group")


class ScheduleExists(Exception):
    """The publisher has a schedule of this name."""


def own_schedule(publisher_id: int, name: str, *, lock: bool = False) -> Schedule:
    """Return the publisher's schedule of that name. Raises a 404 ``Problem`` if there is none.

    With ``lock`` none of its occurrences is run before the transaction ends.
    """
    rows = Schedule.objects.filter(publisher_id=publisher_id, name=name)
    row = (rows.select_for_update() if lock else rows).first()
    if row is None:
        raise Problem("not-found", f"You have no schedule {name!r}. POST /v1/schedules makes one.")
    return row


def lock(row: Schedule) -> Schedule:
    """Return a schedule as it is now, locked until the transaction ends."""
    return Schedule.objects.select_for_update().get(pk=row.pk)


def create(key: KeySnapshot, fields: Mapping[str, Any], posted: Mapping[str, Any]) -> Schedule:
    """Create a schedule with the validated ``fields``. ``posted``: its notification.

    Call it in a transaction. Raises ``ScheduleExists``, and ``Problem`` where the publisher has as
    many as it may.
    """
    _check_number(key.publisher_id)
    now = clock.moment()
    row = Schedule(
        id=uuid7(), publisher_id=key.publisher_id, name=fields["name"], over_until=now, count=None
    )
    _fill(row, key, fields, posted, now)
    _start(row)
    try:
        with transaction.atomic():
            row.save(force_insert=True)
    except IntegrityError as error:
        if "schedule_once_a_name" not in str(error):
            raise
        raise ScheduleExists from None
    return row


def change(
    row: Schedule, key: KeySnapshot, fields: Mapping[str, Any], posted: Mapping[str, Any]
) -> None:
    """Give a schedule these fields. What changes when it occurs holds from now on."""
    now, timing = clock.moment(), _timing(row)
    _fill(row, key, fields, posted, now)
    if timing != _timing(row):
        row.over_until = now  # also where one to come was skipped, which was of the former timing
    elif row.next_at is None:  # otherwise one that is due at this moment is still to be run
        row.over_until = max(row.over_until, now)
    _start(row)
    row.save()


def pause(row: Schedule) -> None:
    """Have nothing run until it is resumed. Occurrences meanwhile are not made up for."""
    if row.paused_at is None:
        row.paused_at = clock.moment()
        row.next_at = row.due_at = None
        save_progress(row)


def pause_due() -> list[str]:
    """Pause the schedules that are due; return a sentence for each.

    For a database that was restored: whether they were run since the backup is not known.
    """
    with transaction.atomic():
        rows = Schedule.objects.filter(due_at__lte=clock.moment()).select_for_update()
        paused = []
        for row in rows.select_related("publisher").order_by("due_at"):
            due = f"{row.next_at:%Y-%m-%dT%H:%M:%SZ}" if row.next_at else "now"
            pause(row)
            paused.append(
                f"The schedule {row.name} of {row.publisher.name} is paused, since its run of "
                f"{due} may have been. Resume it, and run it by hand if it was not."
            )
    return paused


def resume(row: Schedule) -> None:
    """Run it again, from its next occurrence on."""
    if row.paused_at is not None:
        row.paused_at = None
        row.over_until = max(row.over_until, clock.moment())
        _move_on(row)


def skip(row: Schedule, named: datetime) -> None:
    """Skip an occurrence, which has to be the next one. Skipping it again changes nothing.

    ``named``: its moment, or without a zone its local time. Raises ``Problem`` for any other one.
    """
    occurrence = timetables.occurrence_at(row, named)
    if row.next_at != occurrence:
        run = Run.objects.filter(schedule=row, occurrence=occurrence).first()
        if run is not None and run.state == RunState.SKIPPED:
            return
        following = "It has none" if row.next_at is None else f"That is {row.next_at.isoformat()}"
        raise Problem(
            "conflict", f"Only the next occurrence can be skipped. {following}: read it again."
        )
    Run.objects.create(
        schedule=row,
        occurrence=occurrence,
        local=timetables.local(row, occurrence),
        state=RunState.SKIPPED,
        at=clock.moment(),
    )
    row.over_until = occurrence
    _move_on(row)


def move_on(row: Schedule) -> None:
    """Set what comes after ``over_until``, in the row and not in the database.

    Raises ``InvalidRule``.
    """
    row.next_at = timetables.next_occurrence(row, row.over_until)
    row.due_at = timetables.due(row, row.next_at)


def _move_on(row: Schedule) -> None:
    """Move a schedule on. Raises ``Problem`` where its zone is known here no more."""
    try:
        move_on(row)
    except InvalidRule as error:
        raise Problem("conflict", f"{error} Change the schedule first.") from None
    save_progress(row)


def save_progress(row: Schedule) -> None:
    """Write what changes as its occurrences go by, and not the notification again."""
    row.save(update_fields=["over_until", "next_at", "due_at", "paused_at", "runs", "failures"])


def representation(row: Schedule) -> dict[str, Any]:
    """Return a schedule's fields as they may be posted, but for its notification."""
    found: dict[str, Any] = {
        "name": row.name,
        "time_zone": row.time_zone,
        "starts_at_local": row.starts_at_local,
        "misfire": row.misfire,
        "count": row.count,
        "expires_after_seconds": row.expires_after,
    }
    found |= {name: getattr(row, name) or None for name in _TEXTS}
    return found


def _fill(
    row: Schedule,
    key: KeySnapshot,
    fields: Mapping[str, Any],
    posted: Mapping[str, Any],
    now: datetime,
) -> None:
    row.time_zone = fields["time_zone"]
    here = shown(now, timetables.clocks(row))
    row.starts_at_local = fields.get("starts_at_local") or here.strftime(FORMAT)
    for name in _TEXTS:
        setattr(row, name, fields.get(name) or "")
    row.count = fields.get("count")
    row.misfire = fields["misfire"]
    row.expires_after = fields.get("expires_after_seconds")
    row.scopes = [scope for scope in notifications.KEPT_SCOPES if scope in key.scopes]
    row.written_by = key.prefix
    row.notification = notifications.seal(row.pk, posted)


def _timing(row: Schedule) -> tuple[object, ...]:
    """Return what says when a schedule occurs."""
    return (row.rrule, row.cron, row.time_zone, row.starts_at_local, row.ends_at_local)


def _start(row: Schedule) -> None:
    """Set the schedule's next occurrence. Raises ``ValidationError`` where it has none."""
    field = "rrule" if row.rrule else "cron"
    try:
        found = timetables.next_occurrence(row, row.over_until)
    except InvalidRule as error:
        raise ValidationError({field: str(error)}) from None
    if row.count is not None and row.runs >= row.count:
        raise ValidationError({"count": f"It has run {row.runs:,} times already."})
    if found is None:
        when = f" before {row.ends_at_local}" if row.ends_at_local else " in the next 30 years"
        raise ValidationError({field: f"It never occurs{when}."})
    if row.paused_at is None:
        row.next_at, row.due_at = found, timetables.due(row, found)


def _check_number(publisher_id: int) -> None:
    """Check that one more schedule is allowed, under a lock until the caller's transaction ends.

    Others that are created at the same time wait for it, and count this one.
    """
    Publisher.objects.select_for_update(no_key=True).get(pk=publisher_id)
    most = settings.SCHEDULES_PER_PUBLISHER
    if Schedule.objects.filter(publisher_id=publisher_id).count() >= most:
        raise Problem(
            "conflict",
            f"Your publisher has {most:,} schedules, which is as many as it may. Delete some that "
            "have ended.",
        )
