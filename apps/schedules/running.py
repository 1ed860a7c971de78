"""Run what is due: the tick, and runs by hand.

A tick locks due rows past those that others have locked, and in one transaction accepts their
notifications, records the runs and moves the rows on. So any number of ticks may run at once, on
any number of hosts, and one that is killed has done nothing or everything. An occurrence is
accepted under an idempotency key of its own, which no request can have.
"""

import hashlib
import logging
import threading
import time
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from uuid import UUID

import orjson
from django.db import connection, transaction

from apps.api.problems import Problem, as_problem
from apps.core import arrays, clock, tracing
from apps.core.database_errors import AWAY, concerns_all
from apps.core.tracing import Kind
from apps.delivery.intake import group_commit, load_shedding
from apps.delivery.intake.drafts import SEND, SKIP, LocalTime
from apps.delivery.intake.group_commit import AcceptedDraft, PublishRequest
from apps.delivery.intake.idempotency import Answer, Key, StillInFlight
from apps.publishers.selectors import get_publisher
from apps.schedules import notifications, outcomes, timetables
from apps.schedules.models import Schedule
from notifier.recurrence.planning import Misfire, Plan
from notifier.recurrence.rules import InvalidRule

log = logging.getLogger(__name__)

#: Schedules that one transaction runs, and seconds after which it takes no further one: templates
#: may take long to validate.
AT_ONCE, PREPARED_SECONDS = 50, 2.0
#: Seconds after which a tick ends; the next one goes on.
LONGEST_TICK = 20.0

_ticking = threading.Lock()


def tick() -> int:
    """Run what is due; return for how many schedules.

    A process runs one at a time: others of its threads release lost claims meanwhile.
    """
    if not _ticking.acquire(blocking=False):
        return 0
    try:
        ran, ends = 0, time.monotonic() + LONGEST_TICK
        while time.monotonic() < ends and (taken := _page()):
            ran += taken
        return ran
    finally:
        _ticking.release()


def run_now(
    schedule: Schedule, key: Key | None = None, *, scopes: Collection[str] | None = None
) -> Answer:
    """Accept a notification of the schedule now, and record the run.

    ``key``: the idempotency key of the request, if it has one. ``scopes``: those of the API key
    that asks for it: of what the schedule keeps only these hold; with ``None`` all do. Moves the
    schedule on in nothing.

    Call it in a transaction that has locked the row. Raises what posting the notification raises.
    """
    expires_at = None
    if schedule.expires_after is not None:
        expires_at = clock.moment() + timedelta(seconds=schedule.expires_after)
    writer = notifications.key_of(schedule)
    if scopes is not None:
        writer = replace(writer, scopes=writer.scopes & frozenset(scopes))
    validated = notifications.validate(
        writer,
        notifications.audience_of(schedule),
        notifications.unseal(schedule),
        expires_at=expires_at,
        without_gone=True,
    )
    [answer] = group_commit.commit_within([_request(schedule, key, validated)])
    if isinstance(answer, Exception):
        raise answer
    if not answer.replayed:
        outcomes.record_manual(schedule, notification_id(answer), validated.gone)
    return answer


@dataclass(slots=True)
class _Prepared:
    """A due schedule, what is planned, and the request to publish or the error in making it."""

    schedule: Schedule
    plan: Plan
    request: PublishRequest | None = None
    error: Exception | None = None
    gone: int = 0


def _page() -> int:
    """Run some of what is due; return for how many schedules."""
    now = clock.moment()
    due = Schedule.objects.filter(due_at__lte=now)
    if not due.exists():
        return 0
    load_shedding.refused()  # measures now; validation uses the last measurement
    try:
        with transaction.atomic():
            locked = due.select_for_update(skip_locked=True)
            return _run(list(locked.order_by("due_at")[:AT_ONCE]), now)
    except Exception as error:
        if concerns_all(error):
            raise
        log.warning("schedules are run one by one: %s", type(error).__name__)
        return sum(_run_alone(key, now) for key in due.values_list("pk", flat=True)[:AT_ONCE])


def _run_alone(schedule_id: UUID, now: datetime) -> int:
    """Run one schedule; put it off after an error of ours, so that it is in nobody's way."""
    rows = Schedule.objects.filter(pk=schedule_id, due_at__lte=now)
    try:
        with transaction.atomic():
            return _run(list(rows.select_for_update(skip_locked=True)), now)
    except Exception as error:
        if concerns_all(error):
            raise
        log.exception("the schedule %s cannot be run, and is put off", schedule_id)
        with transaction.atomic():
            for row in rows.select_for_update(skip_locked=True):
                outcomes.put_off(row, now, failed=True)
        return 1


def _run(due: Sequence[Schedule], now: datetime) -> int:
    """Run locked schedules in the caller's transaction; return how many were taken up."""
    plans = [_plan(schedule, now) for schedule in due]
    recorded = _recorded(due, plans)
    ends = time.monotonic() + PREPARED_SECONDS
    prepared: list[_Prepared] = []
    for schedule, made in zip(due, plans, strict=True):
        if prepared and time.monotonic() > ends:
            break
        prepared.append(_prepare(schedule, made, recorded))
    requests = [one.request for one in prepared if one.request is not None]
    answers = iter(group_commit.commit_within(requests) if requests else ())
    for one in prepared:
        answer = one.error if one.request is None else next(answers)
        if isinstance(answer, Answer):
            outcomes.accept(one.schedule, one.plan, notification_id(answer), one.gone, now)
        elif answer is None:
            outcomes.pass_over(one.schedule, one.plan, now)
        elif isinstance(answer, InvalidRule):
            log.error("%s is put off, for another machine: %s", one.schedule.pk, answer)
            outcomes.put_off(one.schedule, now, failed=True)
        elif _passes(answer):
            outcomes.put_off(one.schedule, now)
        elif as_problem(answer) is None:
            log.error("a run of %s failed, and is put off", one.schedule.pk, exc_info=answer)
            outcomes.put_off(one.schedule, now, failed=True)
        else:
            outcomes.fail(one.schedule, one.plan, answer, now)
    return len(prepared)


def _passes(error: Exception) -> bool:
    """Return whether the same run may well be accepted in a moment."""
    return isinstance(error, StillInFlight) or (
        isinstance(error, Problem) and error.type == "overloaded"
    )


def _prepare(
    schedule: Schedule, made: Plan | InvalidRule, recorded: Collection[tuple[UUID, datetime]]
) -> _Prepared:
    """Make the request of a due schedule if its planned occurrence is to be run."""
    if isinstance(made, InvalidRule):  # it was valid once: this machine knows fewer zones
        return _Prepared(schedule, Plan(None, None), error=made)
    if (schedule.pk, made.occurrence) in recorded:  # the database's clock was set back
        assert made.occurrence is not None
        schedule.over_until = made.occurrence
        return _Prepared(schedule, Plan(None, made.next_at))
    if made.occurrence is None or not made.runs:
        return _Prepared(schedule, made)
    try:
        validated = _validated(schedule, made)
    except AWAY:
        raise
    except Exception as error:
        return _Prepared(schedule, made, error=error)
    key = _key(schedule, made.occurrence)
    return _Prepared(schedule, made, _request(schedule, key, validated), gone=validated.gone)


def _plan(schedule: Schedule, now: datetime) -> Plan | InvalidRule:
    try:
        return timetables.plan(schedule, now)
    except InvalidRule as error:
        return error


def _validated(schedule: Schedule, made: Plan) -> notifications.Validated:
    assert made.occurrence is not None
    publisher = get_publisher(schedule.publisher_id)
    if publisher is None or not publisher.is_active:
        raise Problem("inactive-publisher", "The publisher is switched off.")
    return notifications.validate(
        notifications.key_of(schedule),
        notifications.audience_of(schedule),
        notifications.unseal(schedule),
        local=_local_time(schedule, made, made.occurrence),
        expires_at=timetables.expires_at(schedule, made.occurrence),
        without_gone=True,
    )


def _local_time(schedule: Schedule, made: Plan, occurrence: datetime) -> LocalTime | None:
    """Return when each recipient gets an occurrence; ``None`` for all at once.

    Those for whom it has passed, since the run is late, get it at once. They do not where the
    schedule wants that, or where a later one has begun as well: it is the one that they get.
    """
    if not schedule.in_own_zones:
        return None
    skips = made.superseded or schedule.misfire == Misfire.SKIP
    return LocalTime(timetables.on_the_wall(occurrence), SKIP if skips else SEND)


def _request(
    schedule: Schedule, key: Key | None, validated: notifications.Validated
) -> PublishRequest:
    return PublishRequest(
        schedule.publisher_id,
        key,
        validated.user_ids,
        lambda people, _: [validated.draft_builder(people)],
        _answer_body,
        _traceparent(schedule),
    )


def _traceparent(schedule: Schedule) -> bytes | None:
    """Return where its notification belongs, if sampled; the commit records that it runs."""
    tracer = tracing.tracer
    if tracer is None:
        return None
    begun = tracing.within_request() or tracer.begin()
    if begun is None:
        return None
    now = tracing.now()
    about = {"notifier.schedule.id": str(schedule.pk)}
    transaction.on_commit(
        lambda: tracer.record("run schedule", begun, now, now, about, kind=Kind.PRODUCER)
    )
    return begun.place


def _answer_body(accepted: Sequence[AcceptedDraft]) -> dict[str, object]:
    [one] = accepted
    return {"notification_id": str(one.row.id)}


def notification_id(answer: Answer) -> UUID:
    """Return the notification that was accepted with this answer."""
    return UUID(orjson.loads(answer.body)["notification_id"])


def _key(schedule: Schedule, occurrence: datetime) -> Key:
    """Return the idempotency key of an occurrence: with a space in front, as no header has it."""
    name = f" schedule {schedule.pk} {timetables.occurrence_id(occurrence)}"
    return Key(schedule.publisher_id, name, hashlib.sha256(name.encode()).digest())


def _recorded(
    due: Sequence[Schedule], plans: Sequence[Plan | InvalidRule]
) -> set[tuple[UUID, datetime]]:
    """Return those of the planned occurrences, with their schedules' ids, that have a record."""
    planned = [
        (schedule.pk, made.occurrence)
        for schedule, made in zip(due, plans, strict=True)
        if isinstance(made, Plan) and made.occurrence is not None
    ]
    if not planned:
        return set()
    with connection.cursor() as cursor:
        cursor.execute(
            """SELECT schedule_id, occurrence
                 FROM unnest(%s::uuid[], %s::timestamptz[]) AS planned (schedule_id, occurrence)
                 JOIN schedules_run USING (schedule_id, occurrence)""",
            [
                arrays.uuids(schedule_id for schedule_id, _ in planned),
                arrays.times(occurrence for _, occurrence in planned),
            ],
        )
        return set(cursor.fetchall())
