"""Outcomes of occurrences: recorded, counted, and the schedule moved on.

The functions write in their caller's transaction, which has locked the schedule. Metrics count
after its commit.
"""

import logging
from datetime import datetime, timedelta
from uuid import UUID

from django.db import transaction
from prometheus_client import Counter

from apps.api.problems import Problem, as_problem
from apps.core import clock
from apps.schedules import services, timetables
from apps.schedules.models import Run, RunState, Schedule
from notifier.recurrence.planning import Plan

log = logging.getLogger(__name__)

RUNS = Counter(
    "notifier_schedule_runs_total",
    "Occurrences of schedules by what became of them: accepted, failed or missed.",
    ["state"],
)
#: Time after which a run is tried again.
PUT_OFF = timedelta(seconds=30)


def accept(schedule: Schedule, plan: Plan, notification_id: UUID, gone: int, now: datetime) -> None:
    """Record that the occurrence's notification was accepted.

    ``gone``: number of recipients that were left out because they are no more.
    """
    schedule.failures = 0
    _record(
        schedule,
        plan,
        Run(state=RunState.ACCEPTED, notification_id=notification_id, detail=_remark(gone)),
        now,
    )


def fail(schedule: Schedule, plan: Plan, error: Exception, now: datetime) -> None:
    """Record that the occurrence's notification was refused. The next one is run all the same."""
    problem = as_problem(error)
    if problem is None:
        log.error("a run of %s failed", schedule.pk, exc_info=error)
        problem = Problem("internal-error", "This is a mistake of the service: tell its operators.")
    schedule.failures += 1
    run = Run(state=RunState.FAILED, problem=problem.type, detail=problem.sentence)
    _record(schedule, plan, run, now)


def pass_over(schedule: Schedule, plan: Plan, now: datetime) -> None:
    """Record that the occurrence was missed; without one, the rule has changed its times."""
    if plan.occurrence is None:
        services.move_on(schedule)
        services.save_progress(schedule)
    else:
        _record(schedule, plan, Run(state=RunState.MISSED), now)


def put_off(schedule: Schedule, now: datetime, *, failed: bool = False) -> None:
    """Try again soon: nothing is accepted at its priority now, or an error of ours is in the way.

    The occurrence is late then, and missed where the schedule wants that. ``failed``: it was an
    error, which counts among the schedule's failures.
    """
    schedule.failures += failed
    schedule.due_at = now + PUT_OFF
    services.save_progress(schedule)


def record_manual(schedule: Schedule, notification_id: UUID, gone: int) -> None:
    """Record a run by hand."""
    Run.objects.create(
        schedule=schedule,
        state=RunState.ACCEPTED,
        notification_id=notification_id,
        detail=_remark(gone),
        at=clock.moment(),
    )


def _record(schedule: Schedule, plan: Plan, run: Run, now: datetime) -> None:
    """Store the run of the plan's occurrence, and move the schedule on."""
    assert plan.occurrence is not None
    if run.state != RunState.MISSED:
        schedule.runs += 1
    run.schedule, run.occurrence, run.missed, run.at = schedule, plan.occurrence, plan.missed, now
    run.local = timetables.local(schedule, plan.occurrence)
    run.save(force_insert=True)
    schedule.over_until = plan.occurrence
    services.move_on(schedule)
    services.save_progress(schedule)
    missed = plan.missed + (run.state == RunState.MISSED)
    state = str(run.state)

    def count() -> None:
        if state != RunState.MISSED:
            RUNS.labels(state).inc()
        if missed:
            RUNS.labels(str(RunState.MISSED)).inc(missed)

    transaction.on_commit(count)


def _remark(gone: int) -> str:
    if not gone:
        return ""
    return f"{gone:,} of the recipients {'is' if gone == 1 else 'are'} no more, and left out."
