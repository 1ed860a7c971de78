"""Describe the steps of a notification's fallback and their state, for publishers and operators."""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from django.db import connection
from django.db.models import Count

from apps.core import arrays, clock
from apps.delivery import selectors
from apps.delivery.models import Chunk, ChunkKind, ChunkState, Delivery, Notification
from apps.delivery.state.steps import plan
from apps.delivery.state.steps.plan import Step
from apps.preferences.models import Group
from apps.preferences.selectors import user_ids_of
from notifier.domain.states import WAITING

_ACKNOWLEDGED = """
SELECT w.notification_id, w.recipient_id, w.acknowledged_at
  FROM unnest(%s::uuid[]) AS n (id)
 CROSS JOIN LATERAL (SELECT notification_id, recipient_id, acknowledged_at FROM delivery_answer
                      WHERE notification_id = n.id AND acknowledged_at IS NOT NULL
                      ORDER BY acknowledged_at, id LIMIT %s) w
"""
#: Most people who acknowledged a notification that are named.
NAMED = 100


class StepState(StrEnum):
    """The state of a step."""

    WAITING = "waiting"  # it is not due, or the audience is not cut yet
    SENDING = "sending"  # it is due, and some of it has not been sent
    DONE = "done"  # it was sent to those who needed it
    NOT_NEEDED = "not_needed"  # nobody needed it, or nobody was left to get it
    CANCELLED = "cancelled"  # the notification was cancelled before


@dataclass(frozen=True, slots=True)
class StepProgress:
    """One step, and what became of it.

    ``group``: the name of its group; empty where that was deleted, ``None`` where it has none.
    ``due_at``: while it waits. ``counts``: its deliveries by state.
    """

    number: int
    channel: str
    group: str | None
    unless: str
    after_seconds: int
    state: str
    due_at: datetime | None
    counts: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Acknowledgement:
    """An acknowledgement of a notification; ``user_id`` is ``None`` where it is not shown."""

    user_id: str | None
    acknowledged_at: datetime


def progress_of_steps(
    row: Notification, counts: Mapping[str, Mapping[str, int]]
) -> list[StepProgress]:
    """Return the steps of a notification. ``counts``: its deliveries by channel and state."""
    steps = plan.of(row.steps)
    if not steps:
        return []
    names = _names(steps)
    open_chunks = Chunk.objects.filter(notification=row).exclude(state=ChunkState.DONE)
    uncut = open_chunks.filter(kind=ChunkKind.WHOLE).exists()
    due: dict[int, datetime] = {}
    for number, ready_at in open_chunks.filter(step__gt=0).values_list("step", "ready_at"):
        due[number] = min(ready_at, due.get(number, ready_at))
    by_step = _counts(row, steps, counts)
    now = clock.moment()

    def state(step: Step) -> StepState:
        made = by_step[step.number]
        if row.cancelled_at is not None and not made:
            return StepState.CANCELLED
        if uncut or (step.number in due and due[step.number] > now):
            return StepState.WAITING
        if step.number in due or any(made.get(name) for name in WAITING):
            return StepState.SENDING
        return StepState.DONE if made else StepState.NOT_NEEDED

    def progress_of_step(step: Step) -> StepProgress:
        found = state(step)
        return StepProgress(
            step.number,
            step.channel,
            None if step.group_id is None else names.get(step.group_id, ""),
            str(step.unless),
            step.after,
            found,
            due.get(step.number) if found == StepState.WAITING else None,
            by_step[step.number],
        )

    return [progress_of_step(step) for step in steps]


def _counts(
    row: Notification, steps: Sequence[Step], counts: Mapping[str, Mapping[str, int]]
) -> dict[int, dict[str, int]]:
    """Return the deliveries of each step by state.

    Those of a group are few, and counted. Those of the audience have their channel for themselves
    but for these, and the kept counts say how many there are.
    """
    to_groups = [step.number for step in steps if step.group_id is not None]
    found: dict[int, dict[str, int]] = defaultdict(dict)
    on_channel: dict[str, Counter[str]] = defaultdict(Counter)
    rows = Delivery.objects.filter(notification=row, step__in=to_groups)
    for number, channel, state, total in (
        rows.values_list("step", "channel", "state").annotate(total=Count("id")).order_by()
        if to_groups
        else ()
    ):
        found[number][state] = total
        on_channel[channel][state] += total
    for step in steps:
        if step.group_id is None:
            left = Counter(counts.get(step.channel, {}))
            left.subtract(on_channel[step.channel])
            found[step.number] = {state: number for state, number in left.items() if number > 0}
    return found


def acknowledged(rows: Sequence[Notification]) -> dict[UUID, list[Acknowledgement]]:
    """Return who acknowledged each of these notifications, the first ones first.

    Up to ``NAMED`` of each. People are not named where the topic is another publisher's.
    """
    found: dict[UUID, list[Acknowledgement]] = defaultdict(list)
    ids = [row.pk for row in rows]
    with connection.cursor() as cursor:
        cursor.execute(_ACKNOWLEDGED, [arrays.uuids(ids), NAMED])
        answers = cursor.fetchall()
    if not answers:
        return found
    hidden = selectors.of_others_topics(ids)
    names = user_ids_of(recipient_id for _, recipient_id, _ in answers)
    for notification_id, recipient_id, at in answers:
        name = None if notification_id in hidden else names.get(recipient_id)
        found[notification_id].append(Acknowledgement(name, at))
    return found


def as_posted(column: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return a notification's steps as its publisher may post them again.

    A group that was deleted since has no name any more.
    """
    steps = plan.of(column)
    names = _names(steps)
    found: dict[str, Any] = {}
    for one in reversed(steps):
        rest = {"then": found} if found else {}
        group = {} if one.group_id is None else {"group": names.get(one.group_id, "")}
        found = {
            "channel": one.channel,
            "after_seconds": one.after,
            "unless": str(one.unless),
            **group,
            **rest,
        }
    return found


def _names(steps: Sequence[Step]) -> dict[int, str]:
    """Return the names of the groups of steps, by their ids."""
    ids = [step.group_id for step in steps if step.group_id is not None]
    return dict(Group.objects.filter(pk__in=ids).values_list("pk", "name")) if ids else {}
